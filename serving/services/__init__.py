"""The services behind the routes and pages; they are independent of HTTP."""
