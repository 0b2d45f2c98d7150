"""What `codebase_query` can find out about a source tree. It only reads, and only below one folder."""
