// A broker of MQTT 5 over WebSocket, on the packets of mqtt-packet: aedes speaks 3.1.1 alone.
const mqtt = require("mqtt-packet");
const { WebSocketServer } = require("ws");
const server = require("node:http").createServer();
const sockets = new WebSocketServer({ server, handleProtocols: (offered) => offered.has("mqtt") && "mqtt" });
const clients = new Set();
const fits = (filter, topic) => {
  const [levels, names] = [filter.split("/"), topic.split("/")];
  const rest = levels.indexOf("#");
  if (rest < 0 && levels.length !== names.length) return false;
  return levels.every((level, at) => (rest >= 0 && at >= rest) || level === "+" || level === names[at]);
};
sockets.on("connection", (socket) => {
  const version = { protocolVersion: 5 };
  const parser = mqtt.parser(version);
  const client = { filters: [], say: (packet) => socket.send(mqtt.generate(packet, version)) };
  const publish = ({ topic, payload, qos = 0, retain = false }) => {
    for (const other of clients) {
      if (!other.filters.some((filter) => fits(filter, topic))) continue;
      other.say({ cmd: "publish", topic, payload, retain, qos, messageId: 7, properties: { userProperties: { by: "test" } } });
    }
  };
  const packets = {
    connect: ({ will, protocolVersion }) => {
      if (protocolVersion !== 5) return socket.close();
      clients.add(client);
      client.will = will;
      client.say({ cmd: "connack", reasonCode: 0, sessionPresent: false, properties: { receiveMaximum: 20 } });
    },
    subscribe: ({ messageId, subscriptions }) => {
      client.filters.push(...subscriptions.map(({ topic }) => topic));
      client.say({ cmd: "suback", messageId, granted: subscriptions.map(({ qos }) => qos) });
    },
    publish: (packet) => {
      if (packet.qos) client.say({ cmd: "puback", messageId: packet.messageId, reasonCode: 0 });
      publish(packet);
    },
    pingreq: () => client.say({ cmd: "pingresp" }),
    disconnect: () => { client.will = undefined; },
    puback: () => {},
  };
  parser.on("packet", (packet) => packets[packet.cmd](packet));
  parser.on("error", () => socket.close(1002));
  socket.on("message", (bytes) => parser.parse(bytes));
  socket.on("close", () => {
    clients.delete(client);
    if (client.will) publish(client.will);
  });
});
server.listen();
