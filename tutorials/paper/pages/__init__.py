"""Pages of results, each built once as Markdown; HTML and text are made from it."""
