"""What the roles are told: role files (Markdown with YAML front matter) and the templates of their requests."""
