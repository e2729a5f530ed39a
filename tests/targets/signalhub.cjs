// Server-sent events with HTTP POST: the hub of the package signalhub, whose own command binds all interfaces.
require("signalhub/server")().listen();
