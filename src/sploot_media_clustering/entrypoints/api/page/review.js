// What is in doubt, one question at a time, one key a verdict. Whatever came from outside is text, never markup.

import { ask, counted, drawAlbums, make, photoPath, picture } from "/page/parts.js";

const MOST = 200;
const TOLD_MS = 6000;
const HEADINGS = { photo: "Surely of this animal", hero: "Or one of these", same: "And these", check: "And these", name: "Also" };
const KINDS = {
  same: "one animal",
  different: "two animals",
  not_this: "not this animal",
  confirm: "is this animal",
  split: "an animal of its own",
  not_animal: "no animal",
  name: "is called",
  hero: "show it",
  not_hero: "never show it",
};

const byId = (id) => document.getElementById(id);
let pet = null;
let queue = null;
let current = null;
let busy = false;
const skipped = new Set();

// What was said in this window, so that u takes back our own words and nobody else's, after a reload too.
const kept = () => JSON.parse(sessionStorage.getItem(`said ${pet}`) || "[]");
const keep = (words) => sessionStorage.setItem(`said ${pet}`, JSON.stringify(words));

const albumPath = (rest) => `/internal/pets/${encodeURIComponent(pet)}/${rest}`;

let fading = null;
function tell(text) {
  const open = document.querySelector("dialog[open]");
  (open || document.body).append(byId("toast"));
  byId("toast").textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => (byId("toast").textContent = ""), TOLD_MS);
}

async function change(method, path, body) {
  const response = await fetch(albumPath(path), {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail || told.title);
  return told;
}

// One thing at a time: a key that is pressed while something is on its way means nothing.
async function alone(work) {
  if (busy) return;
  busy = true;
  document.body.classList.add("busy");
  try {
    await work();
  } catch (error) {
    tell(`Not done: ${error.message}`);
  } finally {
    busy = false;
    document.body.classList.remove("busy");
  }
}

function say(verdict, name) {
  return alone(async () => {
    const item = current;
    const changed = await change("POST", "decisions", name ? { ...verdict.said, name } : verdict.said);
    keep([...kept(), { id: changed.decision_id, item: item.id }]);
    if (changed.status !== "done") skipped.add(item.id);
    await load(verdict.said.kind === "name" ? item.id : null);
    tell(`${name ? `Called ${name}` : `${item.text} ${verdict.text}`}. ${changed.status === "done" ? "" : "A worker does it. "}Press u to take it back.`);
  });
}

function undo(id) {
  return alone(async () => {
    const words = kept();
    const word = id ? words.find((part) => part.id === id) : words.at(-1);
    if (!id && !word) return tell("Nothing was said here yet.");
    await change("DELETE", `decisions/${id || word.id}`);
    keep(words.filter((part) => part !== word));
    if (word) skipped.delete(word.item);
    await load(word && word.item);
    tell("Taken back.");
  });
}

function skip() {
  if (!current || busy) return;
  skipped.add(current.id);
  show();
}

function press(verdict) {
  if (busy) return;
  if (verdict.said.kind !== "name") {
    say(verdict);
    return;
  }
  byId("name").value = "";
  byId("naming").showModal();
  byId("naming").onclose = () => {
    const name = byId("name").value.trim();
    if (byId("naming").returnValue === "ok" && name) say(verdict, name);
    byId("naming").returnValue = "";
  };
}

async function load(wanted) {
  const albums = await ask("/page/albums");
  const listed = drawAlbums(albums);
  const before = pet;
  pet = listed ? listed.pet_id : null;
  if (before !== pet) skipped.clear();
  queue = pet && (await ask(albumPath(`review?limit=${MOST}`)));
  byId("look").href = pet ? `/#${encodeURIComponent(pet)}` : "/";
  document.title = `Review ${pet || ""} – pet photos`;
  show(wanted);
}

function show(wanted) {
  const items = queue ? queue.items.filter((item) => !skipped.has(item.id)) : [];
  current = items.find((item) => item.id === wanted) || items[0] || null;
  const words = pet ? kept().length : 0;
  byId("said-count").textContent = words || "";
  byId("said-open").setAttribute("aria-label", `What was said: ${counted(words, "verdict")} in this window`);
  byId("said-open").hidden = !pet;
  document.body.dataset.item = current ? current.id : "";
  if (current) drawItem();
  else drawNothing();
  byId("question").focus({ preventScroll: true });
  scrollTo(0, 0);
  for (const part of items[1] ? items[1].sightings : []) new Image().src = photoPath(pet, part.image_id, 960);
}

function drawNothing() {
  byId("left").textContent = "";
  byId("chance").textContent = "";
  byId("stage").replaceChildren();
  byId("verdicts").replaceChildren();
  byId("question").textContent = pet ? "Nothing is in doubt" : "No albums yet";
  if (!skipped.size) return;
  byId("question").textContent = "That was all";
  const again = button("", `Look again at ${counted(skipped.size, "question")} that you skipped`, () => {
    skipped.clear();
    show();
  });
  byId("verdicts").append(again);
}

function drawItem() {
  const left = queue.total - skipped.size;
  byId("left").textContent = left > 1 ? `${left} questions, the least sure first` : "The last question";
  byId("question").textContent = current.text;
  byId("chance").textContent = current.kind === "name" ? "" : chance();
  const shown = new Map(current.verdicts.filter((v) => v.shows && current.kind === "hero").map((v) => [v.shows.image_id, v]));
  const lead = current.sightings.length > 1 ? tiles(current.sightings, "These") : framed(current.sightings[0], 960);
  const others = current.others.length ? [tiles(current.others, HEADINGS[current.kind], shown)] : [];
  byId("stage").dataset.kind = current.kind;
  byId("stage").replaceChildren(make("div", { class: "lead" }, lead), ...others);
  drawVerdicts();
}

function chance() {
  const share = `${Math.round(100 * current.probability)} %`;
  if (current.kind === "hero") return `${share} likely to be liked better than the next one`;
  return current.kind === "check" ? `${share} likely that there are two` : `${share} likely`;
}

// A photo as it is, the animal in question outlined.
function framed(part, side) {
  const img = picture(pet, part.image_id, side, null, part.image_id);
  img.loading = "eager";
  const frame = make("button", { type: "button", class: "frame", "aria-label": `Enlarge ${part.image_id}` }, img);
  img.addEventListener("load", () => {
    frame.style.setProperty("--ratio", img.naturalWidth / img.naturalHeight);
    if (!part.box) return;
    const [left, top, right, bottom] = part.box.map((share) => 100 * share);
    const outline = make("span", { class: "outline" });
    Object.assign(outline.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
    frame.append(outline);
  });
  frame.addEventListener("click", () => enlarge(part));
  return frame;
}

function tiles(parts, title, verdicts = new Map()) {
  const list = parts.map((part) => {
    const tile = make("button", { type: "button", class: "photo", "aria-label": `Enlarge ${part.image_id}` });
    tile.append(picture(pet, part.image_id, parts.length > 2 ? 320 : 960, part.box, ""));
    tile.addEventListener("click", () => enlarge(part));
    const verdict = verdicts.get(part.image_id);
    return make("li", {}, tile, verdict ? verdictButton(verdict) : null);
  });
  return make("section", { class: "with" }, title ? make("h2", {}, title) : null, make("ul", {}, ...list));
}

function button(key, text, action, kind = "act") {
  const made = make("button", { type: "button", class: kind }, make("bdi", {}, text));
  if (key) {
    made.append(make("kbd", {}, key));
    made.setAttribute("aria-keyshortcuts", key);
  }
  made.addEventListener("click", action);
  return made;
}

function verdictButton(verdict) {
  const strong = verdict.key === "y" || (verdict.key === "r" && current.kind === "name");
  const made = button(verdict.key, verdict.text, () => press(verdict), strong ? "act strong" : "act");
  if (verdict.shows && current.kind === "photo") {
    const face = make("span", { class: "face" });
    face.append(picture(pet, verdict.shows.image_id, 320, verdict.shows.box, ""));
    made.prepend(face);
  }
  return made;
}

function drawVerdicts() {
  const own = current.verdicts.filter((v) => "yn".includes(v.key) || current.kind === "name");
  const moves = current.kind === "photo" ? current.verdicts.filter((v) => v.shows) : [];
  const rest = current.verdicts.filter((v) => !own.includes(v) && !v.shows);
  const row = (parts, label) => (parts.length ? make("div", { class: "row", role: "group", "aria-label": label }, ...parts) : null);
  byId("verdicts").replaceChildren(
    ...[
      row(own.map(verdictButton), "Verdict"),
      row(moves.map(verdictButton), "It is another animal"),
      row([button("s", "Skip", skip), button("u", "Undo", () => undo()), ...rest.map(verdictButton)], "Or else"),
    ].filter(Boolean),
  );
}

function enlarge(part) {
  byId("large-name").textContent = part.image_id;
  byId("large-photo").replaceChildren(framed(part, 960));
  byId("large-photo").firstChild.disabled = true;
  byId("large").showModal();
}

async function drawSaid() {
  const told = await ask(albumPath("decisions"));
  const lines = [...told.decisions].reverse().map((part) => {
    const more = part.sightings.length - 1;
    const about = `${part.sightings[0].image_id}${more ? ` and ${more} more` : ""}: ${KINDS[part.kind]}`;
    const text = make("span", {}, make("bdi", {}, part.name ? `${about} ${part.name}` : about));
    const standing = { superseded: "replaced by a newer word", waiting: "waits for its photos" }[part.status];
    if (standing) text.append(make("small", {}, standing));
    const face = make("span", { class: "face" });
    face.append(picture(pet, part.sightings[0].image_id, 320, part.sightings[0].box, ""));
    const back = button("", "Undo", async () => {
      await undo(part.id);
      await drawSaid();
    });
    back.setAttribute("aria-label", `Undo ${about}`);
    return make("li", {}, face, text, back);
  });
  byId("said-list").replaceChildren(...(lines.length ? lines : [make("li", {}, "Nothing yet.")]));
}

byId("said-open").addEventListener("click", () => {
  drawSaid().catch((error) => tell(`Not read: ${error.message}`));
  byId("said").showModal();
});

const KEYS = {
  s: skip,
  u: () => undo(),
  z: () => current && enlarge(current.sightings[0]),
  "?": () => byId("keys").showModal(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches?.("input") || document.querySelector("dialog[open]")) return;
  const verdict = current && current.verdicts.find((part) => part.key === event.key);
  if (!verdict && !KEYS[event.key]) return;
  event.preventDefault();
  if (verdict) press(verdict);
  else KEYS[event.key]();
});

async function begin() {
  try {
    await load();
  } catch (error) {
    const unpaired = error.message === "status 401";
    byId("question").textContent = unpaired ? "This browser is not paired" : "Not reached";
    byId("chance").textContent = unpaired
      ? "Open the whole link that the command printed."
      : "Is the command still running? Load the page again when it does.";
  }
}

addEventListener("hashchange", begin);
begin();
