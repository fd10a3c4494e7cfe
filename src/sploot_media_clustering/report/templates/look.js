// Looking: months, two photos side by side, and going through the tiles by keyboard.
(() => {
  const byId = (id) => document.getElementById(id);
  const tilesIn = (root) => root.querySelectorAll("button[data-photo]");

  // Months: a press leaves the photos of that month; another press brings all back.
  const filter = (album, month) => {
    const kept = month && new Set(month.dataset.photos.split(" "));
    const has = (part) => !kept || [...tilesIn(part)].some((tile) => kept.has(tile.dataset.photo));
    album.classList.toggle("by-month", Boolean(month));
    for (const tile of album.querySelectorAll(".tile")) tile.classList.toggle("off", !has(tile));
    for (const part of album.querySelectorAll(".shelf, .group, .animal, .aside")) part.classList.toggle("off", !has(part));
    for (const failed of album.querySelectorAll(".failed")) failed.classList.toggle("off", Boolean(month));
  };
  addEventListener("click", (event) => {
    const pressed = event.target.closest(".month");
    if (!pressed) return;
    const album = pressed.closest(".album");
    const on = pressed.getAttribute("aria-pressed") !== "true";
    for (const month of album.querySelectorAll(".month")) month.setAttribute("aria-pressed", String(on && month === pressed));
    filter(album, on ? pressed : null);
  });

  // Arrows go from tile to tile as the eye would.
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const next = (tile, [across, down]) => {
    const gallery = tile.closest("[data-gallery]");
    const shown = [...tilesIn(gallery)].filter((other) => other.checkVisibility());
    if (across) return shown[shown.indexOf(tile) + across];
    const from = tile.getBoundingClientRect();
    const middle = from.left + from.width / 2;
    let best = null;
    let least = Infinity;
    for (const other of shown) {
      const box = other.getBoundingClientRect();
      const apart = down > 0 ? box.top - from.bottom : from.top - box.bottom;
      const aside = Math.max(box.left - middle, middle - box.right, 0);
      if (apart > -4 && 4 * apart + aside < least) [best, least] = [other, 4 * apart + aside];
    }
    return best;
  };
  addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const tile = event.target.closest?.("[data-gallery] button[data-photo]");
    if (!step || !tile || event.ctrlKey || event.metaKey || event.altKey) return;
    const other = next(tile, step);
    if (!other) return;
    event.preventDefault();
    other.focus();
  });

  // Search.
  const search = byId("search");
  const matches = (element, wanted) => element.textContent.toLocaleLowerCase().includes(wanted)
    || [...element.querySelectorAll("img[alt]")].some((image) => image.alt.toLocaleLowerCase().includes(wanted));
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    for (const animal of document.querySelectorAll(".animal")) {
      const whole = !wanted || matches(byId(animal.id + "-name"), wanted);
      let some = whole;
      for (const shelf of animal.querySelectorAll(".shelf")) {
        const found = whole || matches(shelf, wanted);
        shelf.hidden = !found;
        some ||= found;
      }
      animal.hidden = !some;
    }
    for (const other of document.querySelectorAll(".aside, .failed")) other.hidden = Boolean(wanted) && !matches(other, wanted);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    search.value = "";
    search.dispatchEvent(new Event("input"));
    search.blur();
  });

  // Keys that are told, and keys that lead here.
  const keys = byId("keys");
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea")) return;
    if (event.key === "?" && !keys.open) keys.showModal();
    if (event.key === "/" && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === "c" && byId("viewer").open && !compare.open) side();
  });

  // Two photos side by side: the first stays, arrows turn the second, a press enlarges both at one place.
  const compare = byId("compare");
  const sides = [...compare.querySelectorAll(".side")];
  let sequence = [];
  let kept = 0;
  let place = 0;
  const fill = (part, number) => {
    const picture = byId("p" + number);
    const image = part.querySelector("img");
    if (picture) image.src = picture.textContent;
    else image.removeAttribute("src");
    const name = names.get(number) ?? "";
    image.alt = name;
    part.querySelector(".name").textContent = name;
    part.dataset.number = number;
  };
  const names = new Map(JSON.parse(byId("details").textContent).map((detail) => [detail.number, detail.name]));
  const drawSides = () => {
    fill(sides[0], sequence[kept]);
    fill(sides[1], sequence[place]);
    const others = sequence.length - 1;
    byId("compare-back").disabled = byId("compare-on").disabled = others < 2;
  };
  const turn = (step) => {
    do place = (place + step + sequence.length) % sequence.length; while (place === kept);
    drawSides();
  };
  const zoom = (on, event) => {
    compare.classList.toggle("near", on);
    if (!event) return;
    const box = event.target.closest(".pane").getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map((part) => 100 * part + "%").join(" ");
    for (const part of sides) part.querySelector("img").style.transformOrigin = at;
  };
  let looking = null;
  document.addEventListener("described", (event) => {
    looking = event.detail;
    byId("viewer-compare").hidden = event.detail.sequence.length < 2;
  });
  const side = () => {
    if (!looking || looking.sequence.length < 2) return;
    const own = looking.moment.length > 1 ? looking.moment : looking.sequence;
    sequence = [...new Set(own)];
    kept = sequence.indexOf(looking.number);
    place = kept;
    zoom(false);
    compare.showModal();
    turn(1);
  };
  byId("viewer-compare").addEventListener("click", side);
  byId("compare-back").addEventListener("click", () => turn(-1));
  byId("compare-on").addEventListener("click", () => turn(1));
  compare.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
    if (event.key === "z") zoom(!compare.classList.contains("near"));
  });
  compare.addEventListener("click", (event) => {
    if (event.target.closest(".pane")) zoom(!compare.classList.contains("near"), event);
    const better = event.target.closest("[data-better]");
    if (better) sploot.shown(Number(better.closest(".side").dataset.number), "hero");
  });
  compare.addEventListener("pointermove", (event) => {
    if (compare.classList.contains("near") && event.target.closest(".pane")) zoom(true, event);
  });
})();
