// What is seen: the page is drawn from the client's state, and every word of others is text, never markup.

const at = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const millis = (value) => (value === undefined ? "" : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
let client = null;

const asked = new URLSearchParams(location.search);
for (const id of ["name", "initiator", "trigger"]) if (asked.has(id)) at(id).value = asked.get(id);

at("who").addEventListener("submit", (event) => {
  event.preventDefault();
  client?.leave();
  client?.socket.close();
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const choices = { initiator: at("initiator").value, trigger: at("trigger").value };
  const own = new Client(`${scheme}//${location.host}/ws/`, at("name").value.trim(), choices);
  client = own;
  const on = (type, act) => own.addEventListener(type, (event) => own === client && act(event.detail));
  on("up", () => status("up", `Connected as ${own.id} in ${millis(own.marks.connect)}`));
  on("down", () => status("down", "The server is gone. What is open stays open."));
  on("rejected", (why) => { own.leave(); status("down", `The server says no: ${why || "join rejected"}`); });
  on("rooms", drawRooms);
  on("links", () => later(drawLinks));
  on("joined", (id) => enterRoom(id));
  on("left", () => { at("room").hidden = true; at("chat").hidden = true; drawRooms(); });
  on("chat", ({ from, text }) => log(from, text));
  status("", "Connecting …");
  drawRooms();
});
at("create").addEventListener("submit", (event) => {
  event.preventDefault();
  client?.create(at("room-name").value.trim());
  at("room-name").value = "";
});
at("leave").addEventListener("click", () => { client?.leave(); at("lobby-title").scrollIntoView({ block: "nearest" }); });
at("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value;
  const heard = client?.say(text) ?? 0;
  log("you", text);
  if (heard === 0) note("Nobody heard it: no channel is open.");
  at("text").value = "";
});
// A tab that closes says goodbye.
addEventListener("pagehide", () => client?.leave());

function status(state, text) {
  at("status").dataset.state = state;
  at("status").textContent = text;
  at("create").querySelector("button").disabled = state !== "up";
  drawRooms();
}

function drawRooms() {
  const rooms = client ? [...client.rooms.values()] : [];
  at("no-rooms").hidden = rooms.length > 0;
  const focused = document.activeElement?.dataset?.room;
  at("rooms").replaceChildren(...rooms.map((room) => {
    const names = [...room.participants.values()];
    const who = names.length === 0 ? "nobody" : names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "");
    const here = client.room === room.id;
    const join = make("button", { type: "button", "data-room": room.id, "aria-label": `Join ${room.name}` }, here ? "Here" : "Join");
    join.disabled = here;
    join.addEventListener("click", () => client.join(room.id));
    return make("li", {}, make("div", {}, room.name, make("small", {}, `${names.length}: ${who}`)), join);
  }));
  if (focused) at("rooms").querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
}

function enterRoom(id) {
  at("room").hidden = false;
  at("chat").hidden = false;
  at("log").replaceChildren();
  at("room-title").textContent = client.rooms.get(id)?.name ?? id;
  drawRooms();
  drawLinks();
  at("room-title").focus();
}

// Many facts come at once; the page is drawn once a frame, or now and then where nobody looks.
let waiting = false;
function later(draw) {
  if (waiting) return;
  waiting = true;
  setTimeout(() => { waiting = false; draw(); }, 30);
}

function drawLinks() {
  const links = client ? [...client.links.values()] : [];
  const open = links.filter((link) => link.state === "open").length;
  at("tally").textContent = links.length === 0 ? "" : `${open} of ${links.length} channels open`;
  at("alone").hidden = links.length > 0;
  at("links").replaceChildren(...links.map(linkItem));
}

function linkItem(link) {
  const said = { new: "waiting to be told to start", busy: `in ${link.phase}`, open: "open", closed: link.why, failed: `failed in ${link.phase}: ${link.why}` }[link.state];
  const chat = `chat ${link.received} in, ${link.sent} out` + (link.tests ? `; ${link.tests} test message${link.tests === 1 ? "" : "s"}, the last ${link.lastTest}` : "");
  const item = make("li", { "data-peer": link.id, "data-state": link.state, "data-phase": link.phase ?? "", "data-offers": { local: "tab", remote: "other" }[link.offered] ?? "", "data-tests": link.tests, "data-chats": link.received });
  item.append(
    make("div", { class: "peer" }, make("b", {}, link.name), make("span", { class: "said" }, said), make("span", {}, chat)),
    make("ol", { "aria-label": `Phases of the connection to ${link.name}` }, ...PHASES.map((phase, index) => step(link, phase, index))),
  );
  return item;
}

function step(link, phase, index) {
  const state = index < link.at ? "done" : index > link.at || link.state === "closed" ? "idle" : link.state === "failed" ? "failed" : "busy";
  const word = state === "done" ? millis(link.took[phase]) || "done" : { idle: "", busy: "…", failed: "failed" }[state];
  return make("li", { "data-state": state }, phase, make("small", {}, word));
}

function log(from, text) {
  append(make("p", {}, make("b", {}, from), text));
}
function note(text) {
  append(make("p", { class: "note" }, text));
}
function append(line) {
  const box = at("log");
  box.append(line);
  while (box.childElementCount > 500) box.firstElementChild.remove();
  box.scrollTop = box.scrollHeight;
}
