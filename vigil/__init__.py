"""The application: settings, command line, embedded servers, and the place where everything is wired together."""
