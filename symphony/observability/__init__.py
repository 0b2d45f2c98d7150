"""What Symphony says of itself to machines: metrics, traces, health."""
