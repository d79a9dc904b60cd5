"""The services behind the routes and pages; they know no HTTP."""
