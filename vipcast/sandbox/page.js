"use strict";

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strike: "s", code: "code", pre: "code", quote: "span", link: "span",
};
const STANDINGS = { creator: "made it", admin: "leads it", member: "", waiting: "waits" };
const phones = document.getElementById("phones");
const groups = document.getElementById("groups");
const status = document.getElementById("status");
const told = document.getElementById("told");
const cards = new Map();
let version = "";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

async function post(path, data) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error);
  return result;
}

// Let somebody do something, and say what came of it.
async function deed(phone, path, more = {}, words = () => "") {
  try {
    const done = await post(path, { network: phone.network, customer: phone.customer, ...more });
    told.textContent = words(done);
    await refresh();
    return true;
  } catch (error) {
    told.textContent = error.message;
    return false;
  }
}

function button(text, action) {
  const made = element("button", "", text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

function field(placeholder) {
  const made = element("input");
  made.placeholder = placeholder;
  made.setAttribute("aria-label", placeholder);
  return made;
}

function formatted(text, spans) {
  const cuts = new Set([0, text.length]);
  for (const span of spans) cuts.add(span.offset).add(span.offset + span.length);
  const places = [...cuts].filter((place) => place <= text.length).sort((a, b) => a - b);
  const whole = element("div", "text");
  for (let index = 0; index + 1 < places.length; index += 1) {
    const [start, end] = [places[index], places[index + 1]];
    let node = document.createTextNode(text.slice(start, end));
    for (const span of spans) {
      if (span.offset > start || span.offset + span.length < end || !(span.kind in TAGS)) continue;
      const wrap = element(TAGS[span.kind], span.kind);
      if (span.url) wrap.title = span.url;
      wrap.append(node);
      node = wrap;
    }
    whole.append(node);
  }
  return whole;
}

// The shop's own accounts have a program, and nobody has an account that is gone.
function isPlayed(phone) {
  return !phone.is_account && !phone.is_deleted;
}

function following(phone, link) {
  const row = element("div", "deeds");
  const person = field("as @name on Telegram; empty: one of their own");
  if (phone.network !== "telegram") row.append(person);
  const act = () => deed(phone, "/follow", { link, person: person.value.trim() }, (done) =>
    done.is_in
      ? `${done.customer} is in ${done.to}.`
      : `${done.customer} asked to come into ${done.to}, and waits until the shop lets them in.`);
  row.prepend(button("Follow the link", act));
  return row;
}

function bubble(message, phone) {
  const item = element("li", message.is_note ? "note" : message.is_own ? "own" : "");
  if (!message.is_own || message.is_note) item.append(element("div", "sender", message.sender));
  if (message.account.startsWith("#")) item.append(element("div", "place", message.account));
  for (const media of message.media) {
    const size = media.size ? ` (${Math.ceil(media.size / 1024)} kB)` : "";
    item.append(element("span", "media", `${media.kind}: ${media.name}${size}`));
  }
  if (message.text) item.append(formatted(message.text, message.spans));
  if (isPlayed(phone) && !message.is_own) for (const link of message.links) item.append(following(phone, link));
  const when = new Date(message.at).toLocaleString();
  item.append(element("div", "when", message.state ? `${when} · ${message.state}` : when));
  return item;
}

// A group on somebody's phone: they are in it, or wait.
function part(phone, group) {
  const row = element("div", group.is_in ? "part" : "part waits");
  row.append(element("strong", "name", group.title));
  if (!group.is_in) {
    row.append(element("span", "", "asked to come in; waits until the shop lets them in"));
    return row;
  }
  const unread = group.unread ? `${group.unread} unread` : "all read";
  row.append(element("span", "", group.may_write ? unread : `${unread} · only the shop writes`));
  if (isPlayed(phone)) {
    row.append(button("Read", () => deed(phone, "/read", { to: group.to })));
    row.append(button("Leave", () => deed(phone, "/unsubscribe", { to: group.to }, () => `${phone.customer} left.`)));
  }
  return row;
}

// What people do with their own account.
function oneself(place) {
  const box = element("details");
  const name = field("First name");
  const username = field("@username");
  const rename = button("Rename", async () => {
    const names = {};
    if (name.value.trim()) names.first_name = name.value.trim();
    if (username.value.trim()) names.username = username.value.trim();
    const done = await deed(place.phone, "/rename", names, () => "They go by another name now.");
    if (done) name.value = username.value = "";
  });
  const end = button("Delete the account", () => {
    const sure = window.confirm(`Let ${place.phone.customer} delete their account for good?`);
    if (sure) deed(place.phone, "/delete-account", {}, () => "The account is gone.");
  });
  box.append(element("summary", "", "Name and account"), name, username, rename, end);
  return box;
}

function label(phone) {
  const whose = phone.is_account ? " · the shop’s own" : "";
  return phone.is_deleted ? `${phone.network} · deleted their account` : `${phone.network} · ${phone.customer}${whose}`;
}

function card(phone) {
  if (cards.has(phone.id)) return cards.get(phone.id);
  const made = { phone, last: "" };
  made.section = element("section", `phone ${phone.network}`);
  made.title = element("h2");
  made.parts = element("div", "parts");
  made.talk = element("ol", "talk");
  made.form = element("form");
  made.choice = element("select");
  made.choice.setAttribute("aria-label", "Answer to");
  made.input = field("Answer as this customer");
  made.send = element("button", "", "Send");
  made.form.append(made.choice, made.input, made.send, button("Read", () =>
    deed(made.phone, "/read", { to: made.choice.value })));
  made.form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = made.input.value;
    if (!text.trim()) return;
    if (await deed(made.phone, "/say", { to: made.choice.value, text })) made.input.value = "";
  });
  made.section.append(made.title, made.parts, made.talk, made.form);
  if (phone.network === "telegram") {
    made.oneself = oneself(made);
    made.section.append(made.oneself);
  }
  phones.append(made.section);
  cards.set(phone.id, made);
  return made;
}

// Where somebody may write: to accounts that wrote to them, and in groups that let them.
function places(phone) {
  const open = phone.groups.filter((group) => group.is_in && group.may_write).map((group) => group.to);
  return [...phone.accounts.filter((account) => !account.startsWith("#")), ...open];
}

function show(phone) {
  const place = card(phone);
  place.phone = phone;
  const last = JSON.stringify(phone);
  if (place.last === last) return;
  place.last = last;
  place.title.replaceChildren(element("span", "name", phone.name || phone.customer), element("small", "", label(phone)));
  place.input.setAttribute("aria-label", `Answer as ${phone.name || phone.customer}`);
  place.section.classList.toggle("account", phone.is_account);
  place.section.classList.toggle("gone", phone.is_deleted);
  const chosen = place.choice.value;
  const open = places(phone);
  place.choice.replaceChildren(...open.map((account) => element("option", "", account)));
  if (open.includes(chosen)) place.choice.value = chosen;
  place.choice.hidden = open.length < 2;
  place.form.hidden = phone.is_deleted || !open.length;
  if (place.oneself) place.oneself.hidden = !isPlayed(phone);
  place.parts.replaceChildren(...phone.groups.map((group) => part(phone, group)));
  place.talk.replaceChildren(...phone.messages.map((message) => bubble(message, phone)));
  place.talk.scrollTop = place.talk.scrollHeight;
}

function person(one) {
  const item = element("li", one.standing === "waiting" ? "waits" : "");
  const more = [STANDINGS[one.standing] ?? one.standing, one.is_account ? "the shop’s own" : ""].filter(Boolean);
  item.append(element("span", "name", one.is_deleted ? "Deleted account" : one.name));
  if (!one.is_deleted) item.append(element("small", "", [one.customer, ...more].join(" · ")));
  return item;
}

function groupCard(group) {
  const section = element("section", "group");
  const title = element("h2");
  const waiting = group.waiting.length ? `, ${group.waiting.length} wait` : "";
  const whose = group.members_write ? "members may write" : "only the shop writes";
  title.append(element("span", "name", group.title), element("small", "", `${group.people.length} in it${waiting} · ${whose}`));
  const list = element("ul");
  list.append(...[...group.people, ...group.waiting].map(person));
  section.append(title);
  if (group.about) section.append(element("p", "text", group.about));
  section.append(list);
  return section;
}

async function refresh() {
  const answer = await fetch(`/phones?version=${version}`);
  const data = await answer.json();
  version = data.version;
  if (data.phones === null) return;
  data.phones.forEach(show);
  const shown = new Set(data.phones.map((phone) => phone.id));
  for (const [id, place] of cards) {
    if (shown.has(id)) continue;
    place.section.remove();
    cards.delete(id);
  }
  groups.replaceChildren(...data.groups.map(groupCard));
  const hidden = data.total > data.phones.length ? `, the latest ${data.phones.length} shown` : "";
  status.textContent = data.total
    ? `${data.total} phones${hidden} · ${version} events`
    : "Nobody has got a message yet.";
}

async function keepFresh() {
  try {
    await refresh();
  } catch {
    version = "";
    status.textContent = "The sandbox does not answer. Is it still running?";
  }
  setTimeout(keepFresh, 1000);
}

keepFresh();
