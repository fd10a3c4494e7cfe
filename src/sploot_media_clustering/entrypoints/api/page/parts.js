// What both pages are made of.

const answers = new Map(); // path -> {tag, value}: what a 304 stands for
let drawn = null;

export async function ask(path) {
  const known = answers.get(path);
  const headers = known ? { "If-None-Match": known.tag } : {};
  const response = await fetch(path, { headers, cache: "no-store" });
  if (response.status === 304) return known.value;
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`status ${response.status}`);
  const value = await response.json();
  const tag = response.headers.get("ETag");
  if (tag) answers.set(path, { tag, value });
  return value;
}

export function make(kind, attributes = {}, ...children) {
  const node = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function photoPath(pet, image, side) {
  const name = image.split("/").map(encodeURIComponent).join("/");
  return `/page/pets/${encodeURIComponent(pet)}/images/${name}?side=${side}`;
}

// Where a square crop shows an animal: all of it where that fits, of a taller one the upper end, where heads
// are. One that is longer by more than the tip of a tail is shown wider, as in the report.
function place(img, [left, top, right, bottom]) {
  const ratio = img.naturalWidth / img.naturalHeight;
  const [low, high, head] = ratio > 1 ? [left, right, 0.5] : [top, bottom, 0.4];
  const length = high - low;
  let seen = Math.min(ratio, 1 / ratio);
  if (ratio > 1 && 0.9 * length > seen) {
    seen = length;
    img.style.aspectRatio = seen * ratio;
  }
  let start = low + head * length - seen / 2;
  if (length <= seen) start = Math.min(Math.max(start, high - seen), low);
  else if (ratio < 1) start = low;
  const percent = seen < 1 ? 100 * Math.min(Math.max(start / (1 - seen), 0), 1) : 50;
  img.style.objectPosition = `${percent}% ${percent}%`;
}

export function picture(pet, image, side, box, alt) {
  const img = make("img", { src: photoPath(pet, image, side), alt, loading: "lazy", decoding: "async" });
  if (box) img.addEventListener("load", () => place(img, box));
  img.addEventListener("error", () => img.classList.add("missing"));
  return img;
}

// The albums in the bar, the one that the address names being current; that one, or the first, is returned.
export function drawAlbums(albums) {
  const listed = albums.find((album) => album.pet_id === wanted()) || albums[0];
  const key = JSON.stringify([albums, listed && listed.pet_id]);
  if (drawn === key) return listed;
  drawn = key;
  const items = albums.map((album) => {
    const face = make("span", { class: "face" });
    if (album.cover) {
      const { image_id, box } = album.cover;
      face.append(picture(album.pet_id, image_id, 320, box, ""));
    }
    const link = make("a", { href: `#${encodeURIComponent(album.pet_id)}` }, face, make("bdi", {}, album.pet_id));
    if (album === listed) link.setAttribute("aria-current", "page");
    return make("li", {}, link);
  });
  document.getElementById("albums").replaceChildren(...items);
  return listed;
}

function wanted() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}
