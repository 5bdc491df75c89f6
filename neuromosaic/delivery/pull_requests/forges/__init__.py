"""The servers that keep pull requests: GitHub, GitLab, Gitea and Forgejo, by their REST APIs."""
