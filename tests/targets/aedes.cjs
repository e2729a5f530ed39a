// An MQTT broker over WebSocket. TOKEN in the environment: only clients with that password are let in.
const { Aedes } = require("aedes");
const { WebSocketServer, createWebSocketStream } = require("ws");
const token = process.env.TOKEN;
const authenticate = (client, user, password, done) => {
  const is_in = !token || password?.toString() === token;
  done(is_in ? null : Object.assign(new Error("no token"), { returnCode: 5 }), is_in);
};
Aedes.createBroker({ authenticate }).then((broker) => {
  const server = require("node:http").createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => offered.has("mqtt") && "mqtt" });
  sockets.on("connection", (socket, request) => broker.handle(createWebSocketStream(socket), request));
  server.listen();
});
