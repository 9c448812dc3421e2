"""HTTP only: the callbacks of the gateway, the console and the health pages. The only package that knows Flask."""
