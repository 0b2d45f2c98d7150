"""Getting what matters out of values and texts: paths, formats, summaries, tables, post-processing."""
