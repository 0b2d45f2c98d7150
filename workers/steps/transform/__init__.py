"""The operations of `data_transform`. Each takes data and gives new data; none changes what it was given."""
