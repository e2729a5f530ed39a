// The protocol: one user's talk with the server, and one connection to each of the others in the room.

const CHANNEL = { rooms: "webrtc-dashboard-rooms", chat: "webrtc-dashboard-chat", access: "webrtc-dashboard-access", signaling: "webrtc-signaling" };
const OF = {
  "room-created": CHANNEL.rooms, "user-joined-room": CHANNEL.rooms, "user-left-room": CHANNEL.rooms, "room-list-request": CHANNEL.rooms,
  "participant-joined": CHANNEL.chat, "participant-left": CHANNEL.chat, "peer-ready": CHANNEL.chat,
  "webrtc-offer": CHANNEL.signaling, "webrtc-answer": CHANNEL.signaling, "webrtc-ice": CHANNEL.signaling,
};
const PHASES = ["connect", "room", "join", "discovery", "negotiation", "ice", "dtls", "channel"];
const TIMEOUT_MS = 10_000;
const REJOIN_PAUSE_MS = 1_000;

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const plain = (name) => name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "user";

class Client extends EventTarget {
  constructor(url, name, choices) {
    super();
    Object.assign(this, { name, choices, id: `${plain(name)}-${random()}`, rooms: new Map(), room: null, links: new Map() });
    this.tab = `tab-${random()}-${Date.now()}`;
    this.began = performance.now();
    this.marks = {};
    this.registry = false;
    this.socket = new WebSocket(url);
    this.socket.onopen = () => this.entered();
    this.socket.onmessage = (event) => this.read(event.data);
    this.socket.onclose = () => this.tell("down", null);
  }

  get joined() { return this.room !== null; }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  // A phase of this user's own way is over: how long it took.
  mark(phase) {
    this.marks[phase] = performance.now() - this.began;
    this.began = performance.now();
  }

  send(type, data) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type, channel: OF[type], sender: this.tab, timestamp: Date.now(), data }));
    }
  }

  entered() {
    for (const channel of Object.values(CHANNEL)) this.socket.send(JSON.stringify({ type: "subscribe", channel }));
    this.mark("connect");
    this.send("room-list-request", {});
    this.tell("up", null);
  }

  create(name) {
    const id = `${plain(name)}-${random()}`;
    this.began = performance.now();
    this.send("room-created", { id, name, description: "", host: this.name, hostId: this.id, createdAt: Date.now() });
    this.roomAt(id, name);
    this.mark("room");
    this.join(id);
  }

  join(id) {
    if (this.joined) this.leave();
    this.room = id;
    this.known = new Map();
    this.listed = false;
    this.rejoinedAt = -Infinity;
    if (this.marks.room === undefined) this.marks.room = 0;
    this.began = performance.now();
    this.sayJoined();
    this.sayMember();
    this.mark("join");
    this.sayReady();
    this.tell("joined", id);
  }

  leave() {
    if (!this.joined) return;
    const roomId = this.room;
    // The registry's list lacks this user before anybody hears the goodbye, so that no list contradicts it.
    this.send("user-left-room", { roomId, userId: this.id, userName: this.name });
    this.send("participant-left", { roomId, participant: { id: this.id, name: this.name, leftAt: Date.now() } });
    for (const link of this.links.values()) link.close("left");
    this.links.clear();
    this.room = null;
    delete this.marks.room;
    this.tell("left", roomId);
  }

  sayJoined() {
    const existingParticipants = [...this.known].map(([id, other]) => ({ id, name: other.name }));
    this.send("user-joined-room", { roomId: this.room, userId: this.id, userName: this.name, existingParticipants });
  }
  sayMember() { this.send("participant-joined", { roomId: this.room, participant: { id: this.id, name: this.name } }); }
  sayReady() { this.send("peer-ready", { roomId: this.room, userId: this.id, userName: this.name }); }

  read(text) {
    let frame;
    try { frame = JSON.parse(text); } catch { return; }
    const { type, channel } = frame ?? {};
    if (type === "server-room-list") return this.readList(frame.rooms ?? []);
    if (type === "join-rejected" && (frame.userId ?? frame.data?.userId) === this.id) return this.tell("rejected", frame.reason ?? frame.data?.reason ?? "");
    const data = frame?.data;
    // A message counts only on its own channel.
    if (!data || OF[type] !== channel) return;
    const from = data.fromUserId ?? data.userId ?? data.participant?.id;
    if (type === "room-created") return this.roomAt(data.id ?? data.roomId, data.name);
    if (typeof from !== "string" || from === this.id) return;
    this.notePresence(type, from, data);
    if (!this.joined || data.roomId !== this.room || (data.toUserId ?? this.id) !== this.id) return;
    const name = data.userName ?? data.participant?.name ?? "";
    switch (type) {
      case "user-joined-room": return this.heardJoined(from, name, data.existingParticipants ?? []);
      case "participant-joined": case "peer-ready": return this.heardTrigger(from, name, type);
      case "user-left-room": case "participant-left": return this.heardLeft(from);
      case "webrtc-offer": return this.linkTo(from).heardOffer(data.offer);
      case "webrtc-answer": return this.links.get(from)?.heardAnswer(data.answer);
      case "webrtc-ice": return this.links.get(from)?.heardCandidate(data.candidate);
    }
  }

  // What a relay lets one know of rooms: who is heard to join one.
  roomAt(id, name) {
    if (typeof id !== "string" || id === "") return null;
    if (!this.rooms.has(id)) this.rooms.set(id, { id, name: String(name ?? id), participants: new Map() });
    this.tell("rooms", null);
    return this.rooms.get(id);
  }

  notePresence(type, from, data) {
    if (this.registry) return;
    if (type === "user-joined-room") this.roomAt(data.roomId)?.participants.set(from, data.userName ?? from);
    if (type === "user-left-room") this.rooms.get(data.roomId)?.participants.delete(from);
    if (type.startsWith("user-")) this.tell("rooms", null);
  }

  readList(rooms) {
    this.registry = true;
    this.rooms = new Map(rooms.map((room) => [room.id, {
      id: room.id, name: String(room.name ?? room.id),
      participants: new Map((room.participants ?? []).map((one) => [one.id, one.name ?? one.id])),
    }]));
    this.tell("rooms", null);
    const room = this.joined && rooms.find((room) => room.id === this.room);
    if (!room) return;
    const listed = (room.participants ?? []).map((one) => one.id);
    const own = listed.indexOf(this.id);
    if (own < 0 && performance.now() - this.rejoinedAt > REJOIN_PAUSE_MS) {
      this.rejoinedAt = performance.now();
      this.sayJoined();
    }
    // What a list tells before it shows this user, and when it first does, is who was there already.
    const newcomerHere = !this.listed;
    for (const [position, one] of (room.participants ?? []).entries()) {
      if (one.id === this.id) continue;
      const other = this.meet(one.id, one.name);
      if (own >= 0) other.newcomer = own < position;
      else if (newcomerHere) other.newcomer = false;
      this.consider(one.id, newcomerHere || this.choices.trigger === "room-list");
    }
    this.listed ||= own >= 0;
  }

  // An offer says nothing of its sender's name; the room's list may have told it.
  nameOf(id) { return this.known.get(id)?.name ?? this.rooms.get(this.room)?.participants.get(id) ?? id; }

  meet(id, name) {
    if (!this.known.has(id)) this.known.set(id, { name: this.nameOf(id), newcomer: false, triggered: false });
    const other = this.known.get(id);
    if (name) other.name = name;
    return other;
  }

  heardJoined(from, name, existing) {
    const isReply = !this.registry && existing.some((one) => one.id === this.id);
    const stranger = !this.known.has(from);
    const other = this.meet(from, name);
    if (isReply) other.newcomer = false;
    else if (stranger) other.newcomer = true;
    this.heardTrigger(from, name, "user-joined-room");
    for (const one of existing) {
      if (one.id === this.id) continue;
      this.meet(one.id, one.name);
      this.consider(one.id, isReply);
    }
  }

  heardTrigger(id, name, trigger) {
    const chosen = trigger === this.choices.trigger;
    const other = this.meet(id, name);
    const first = chosen && !other.triggered;
    if (chosen && !first && !this.registry) other.newcomer = false;
    other.triggered ||= chosen;
    // Who does not offer answers a newcomer once, so that it learns who is there.
    if (first && !this.offersTo(id)) {
      if (trigger === "peer-ready") this.sayReady();
      if (trigger === "participant-joined") this.sayMember();
      if (trigger === "user-joined-room" && !this.registry) this.sayJoined();
    }
    this.consider(id, chosen);
  }

  heardLeft(id) {
    this.known.delete(id);
    const link = this.links.get(id);
    if (!link) return;
    link.left = true;
    link.close("left");
  }

  offersTo(id) {
    const other = this.meet(id);
    switch (this.choices.initiator) {
      case "existing": return other.newcomer;
      case "newcomer": return !other.newcomer;
      default: return this.id < id;
    }
  }

  // Starts the connection, if it is time to and this side is the one that offers.
  consider(id, start) {
    const before = this.links.get(id);
    // What has ended stays as it ended, unless the other left and came back.
    if (before?.over && !(start && before.left)) return;
    const link = this.linkTo(id);
    link.name = this.meet(id).name;
    if (start && link.isNew) link.start(this.offersTo(id));
    this.tell("links", null);
  }

  linkTo(id) {
    const link = this.links.get(id);
    if (link && !link.over) return link;
    const fresh = new Link(this, id, this.nameOf(id));
    this.links.set(id, fresh);
    return fresh;
  }

  say(text) {
    let heard = 0;
    for (const link of this.links.values()) heard += link.say(text) ? 1 : 0;
    return heard;
  }
}
