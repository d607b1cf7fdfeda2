"use strict";

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strike: "s", code: "code", pre: "code", quote: "span", link: "span",
};
const phones = document.getElementById("phones");
const status = document.getElementById("status");
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
  if (!answer.ok) throw new Error((await answer.json()).error);
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

function bubble(message) {
  const item = element("li", message.is_own ? "own" : "");
  if (!message.is_own) item.append(element("div", "sender", message.sender));
  for (const media of message.media) {
    const size = media.size ? ` (${Math.ceil(media.size / 1024)} kB)` : "";
    item.append(element("span", "media", `${media.kind}: ${media.name}${size}`));
  }
  if (message.text) item.append(formatted(message.text, message.spans));
  const when = new Date(message.at).toLocaleString();
  item.append(element("div", "when", message.state ? `${when} · ${message.state}` : when));
  return item;
}

function label(phone) {
  const whose = phone.is_account ? " · the shop’s own" : "";
  return `${phone.network} · ${phone.customer}${whose}`;
}

function card(phone) {
  const key = `${phone.network} ${phone.customer}`;
  if (cards.has(key)) return cards.get(key);
  const section = element("section", `phone ${phone.network}`);
  const title = element("h2", "", phone.name || phone.customer);
  title.append(element("small", "", label(phone)));
  const talk = element("ol", "talk");
  const form = element("form");
  const choice = element("select");
  choice.setAttribute("aria-label", "Answer to");
  const input = element("input");
  input.placeholder = "Answer as this customer";
  input.setAttribute("aria-label", `Answer as ${phone.name || phone.customer}`);
  const send = element("button", "", "Send");
  form.append(choice, input, send);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value;
    if (!text.trim()) return;
    try {
      await post("/say", { network: phone.network, customer: phone.customer, to: choice.value, text });
      input.value = "";
      await refresh();
    } catch (error) {
      status.textContent = error.message;
    }
  });
  section.append(title, talk, form);
  phones.append(section);
  const made = { section, title, talk, choice, last: "" };
  cards.set(key, made);
  return made;
}

function show(phone) {
  const place = card(phone);
  const last = JSON.stringify(phone);
  if (place.last === last) return;
  place.last = last;
  place.title.lastChild.textContent = label(phone);
  place.section.classList.toggle("account", phone.is_account);
  const chosen = place.choice.value;
  place.choice.replaceChildren(...phone.accounts.map((account) => element("option", "", account)));
  if (phone.accounts.includes(chosen)) place.choice.value = chosen;
  place.choice.hidden = phone.accounts.length < 2;
  place.talk.replaceChildren(...phone.messages.map(bubble));
  place.talk.scrollTop = place.talk.scrollHeight;
}

async function refresh() {
  const answer = await fetch(`/phones?version=${version}`);
  const data = await answer.json();
  version = data.version;
  if (data.phones === null) return;
  data.phones.forEach(show);
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
