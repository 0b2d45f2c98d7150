"""Where deployments of agents run: the processes of this machine, and the runner that keeps them as they are wanted."""
