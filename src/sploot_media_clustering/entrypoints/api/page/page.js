// Albums as they are, asked for again every other second. Whatever came from outside is text, never markup.

import { ask, counted, drawAlbums, make, picture } from "/page/parts.js";

const EVERY_MS = 2000;
const TILES = 12;
const COLOURS = 8;
const REASONS = {
  no_animal: "no animal found",
  unsure: "not sure",
  alone: "alone of its kind",
  unreadable: "can't be read",
};

const main = document.getElementById("album");
const state = document.getElementById("state");
const drawn = { album: null, photos: new Set() };

function photo(pet, image, side, box, title) {
  const key = `${pet}/${image}`;
  const frame = make("div", { class: drawn.photos.has(key) ? "photo" : "photo new", title: title || image });
  drawn.photos.add(key);
  frame.append(picture(pet, image, side, box, image));
  return frame;
}

function title(cluster) {
  return cluster.name || cluster.label;
}

function lookTiles(pet, look) {
  const heroes = new Map(look.heroes.map((hero) => [hero.image_id, hero]));
  const rest = look.members.filter((member) => !heroes.has(member.image_id));
  const shown = [...look.heroes, ...rest].slice(0, TILES);
  const tiles = shown.map(({ image_id: image, box }) => {
    const hero = heroes.get(image);
    const why = hero ? hero.reasons.join(" ") : image;
    const frame = photo(pet, image, 320, box, why);
    if (hero) frame.append(make("span", { class: "rank", "aria-label": `hero ${hero.rank}` }, String(hero.rank)));
    return make("li", hero && hero.rank === 1 ? { class: "hero" } : {}, frame);
  });
  const left = look.size - shown.length;
  if (left > 0) tiles.push(make("li", { class: "more" }, `+${left}`));
  return make("ul", { class: "tiles" }, ...tiles);
}

function lookPart(pet, look) {
  const size = make("span", {}, ` ${counted(look.size, "photo")}`);
  return make("div", {}, make("h3", {}, make("bdi", {}, title(look)), size), lookTiles(pet, look));
}

function animalPart(pet, subject, looks, number) {
  const hero = subject.heroes[0];
  const portrait = make("div", { class: "portrait" });
  if (hero) portrait.append(photo(pet, hero.image_id, 960, hero.box, hero.reasons.join(" ")));
  portrait.append(make("h2", {}, make("bdi", {}, title(subject))));
  const kinds = looks.length > 1 ? `, ${counted(looks.length, "look")}` : "";
  portrait.append(make("p", { class: "facts" }, counted(subject.size, "photo") + kinds));
  if (hero && hero.reasons.length) portrait.append(make("p", { class: "why" }, hero.reasons[0]));
  const parts = (looks.length ? looks : [subject]).map((look) => lookPart(pet, look));
  return make(
    "section",
    { class: `animal c${number % COLOURS}`, "aria-label": title(subject) },
    portrait,
    make("div", { class: "looks" }, ...parts),
  );
}

function asidePart(pet, page) {
  const photos = page.unclustered.filter((part) => part.level === "subject");
  if (!photos.length) return null;
  const tiles = photos.slice(0, 3 * TILES).map((part) => {
    const told = REASONS[part.reason] || part.reason;
    const frame =
      part.reason === "unreadable"
        ? make("div", { class: "photo", title: part.image_id })
        : photo(pet, part.image_id, 320, part.box, part.image_id);
    return make("li", {}, frame, make("p", {}, told));
  });
  const count = make("span", {}, ` ${counted(photos.length, "photo")}`);
  const head = make("h2", {}, "Set aside", count);
  return make("section", { class: "aside" }, head, make("ul", { class: "tiles" }, ...tiles));
}

function when(page) {
  const time = make("time", { datetime: page.updated_at });
  time.textContent = new Date(page.updated_at).toLocaleString();
  return time;
}

function drawAlbum(pet, listed, page) {
  const key = `${pet} ${page.version}`;
  if (drawn.album === key) return;
  drawn.album = key;
  const subjects = page.clusters.filter((part) => part.level === "subject");
  const animals = subjects.map((subject, number) => {
    const looks = page.clusters.filter((part) => part.parent_id === subject.id);
    return animalPart(pet, subject, looks, number);
  });
  const told = `${counted(listed.photos, "photo")} · ${counted(subjects.length, "animal")} · changed `;
  const summary = make("p", { class: "summary" }, told, when(page));
  main.replaceChildren(
    ...[make("h1", {}, make("bdi", {}, pet)), summary, ...animals, asidePart(pet, page)].filter(Boolean),
  );
  document.title = `${pet} – pet photos`;
}

function drawEmpty(text, command) {
  if (drawn.album === text) return;
  drawn.album = text;
  main.replaceChildren(make("p", { class: "empty" }, text, command ? make("code", {}, command) : null));
}

function tell(text, kind) {
  if (state.textContent !== text) state.textContent = text;
  state.className = `state ${kind}`;
}

function stateText(told) {
  if (!told) return "Live"; // nothing works here but people
  if (told.paused) return `Paused, ${counted(told.open, "job")} waiting`;
  if (!told.open) return "Live";
  return told.workers ? `Working on ${counted(told.open, "job")}` : `${counted(told.open, "job")}, no worker`;
}

async function look() {
  const told = await ask("/page/state");
  tell(stateText(told), told?.paused || (told?.open && !told.workers) ? "idle" : "live");
  const albums = await ask("/page/albums");
  const listed = drawAlbums(albums);
  if (!listed) {
    drawEmpty("No albums yet. Hand photos in, and they appear here.", "sploot-clustering submit PET PHOTOS");
    return;
  }
  const pet = listed.pet_id;
  document.getElementById("review").href = `/review#${encodeURIComponent(pet)}`;
  const asked = `level=all&members=full&limit=500&member_limit=${2 * TILES}`; // the heroes may be among them
  const page = await ask(`/internal/pets/${encodeURIComponent(pet)}/clusters?${asked}`);
  if (page) drawAlbum(pet, listed, page);
}

let looking = null;
let timer = null;

async function lookAgain() {
  clearTimeout(timer);
  if (!looking) {
    looking = look()
      .catch(() => tell("Not reached", "lost"))
      .finally(() => (looking = null));
  }
  await looking;
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(lookAgain, EVERY_MS);
}

addEventListener("hashchange", () => {
  lookAgain();
  main.focus();
  scrollTo(0, 0);
});
document.addEventListener("visibilitychange", lookAgain);
lookAgain();
