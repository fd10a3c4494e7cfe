// Several photos of one animal at once: chosen by a press, then said of all of them.
(() => {
  const byId = (id) => document.getElementById(id);
  const bar = byId("selection");
  let of = null;
  let album = null;
  let animal = null;
  const numbers = new Set();

  const draw = () => {
    bar.hidden = !animal;
    if (!animal) return;
    const name = sploot.named(album, animal);
    byId("selection-count").textContent = numbers.size === 1 ? "1 photo" : numbers.size + " photos";
    bar.querySelector('[data-do="not_this"] bdi').textContent = name;
    bar.querySelector('[data-do="confirm"] bdi').textContent = name;
    const all = numbers.size === animal.members.length;
    for (const act of bar.querySelectorAll("[data-do]")) act.disabled = !numbers.size || all;
    for (const tile of of.querySelectorAll("button[data-photo]")) {
      tile.setAttribute("aria-pressed", String(numbers.has(Number(tile.dataset.photo))));
    }
  };
  const stop = () => {
    if (!of) return;
    of.classList.remove("selecting");
    for (const tile of of.querySelectorAll("button[data-photo]")) tile.removeAttribute("aria-pressed");
    numbers.clear();
    [of, album, animal] = [null, null, null];
    draw();
  };
  const start = (anchor) => {
    stop();
    [album, animal] = sploot.find(anchor);
    of = byId(anchor);
    of.classList.add("selecting");
    byId("toast").classList.remove("seen");
    draw();
  };
  const finish = (kind) => {
    const group = sploot.group(album, animal);
    const inside = (part) => numbers.has(album.numbers.get(part.image_id));
    const name = sploot.named(album, animal);
    const many = numbers.size === 1 ? "1 photo" : numbers.size + " photos";
    const notes = {
      not_this: many + (numbers.size === 1 ? " is not " : " are not ") + name,
      split: many + " of " + name + (numbers.size === 1 ? " is" : " are") + " an animal of their own",
      confirm: many + (numbers.size === 1 ? " is " : " are ") + name,
    };
    const what = { kind, sightings: group.filter(inside), others: group.filter((part) => !inside(part)) };
    const about = animal.id;
    const where = album;
    stop();
    sploot.say(where, what, notes[kind], [about]);
  };
  addEventListener("click", (event) => {
    const started = event.target.closest?.("[data-select]");
    if (started) {
      if (of?.id === started.dataset.select) stop();
      else start(started.dataset.select);
      return;
    }
    const tile = of && event.target.closest?.("button[data-photo]");
    if (!tile || !of.contains(tile)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const number = Number(tile.dataset.photo);
    if (!numbers.delete(number)) numbers.add(number);
    draw();
  }, true);
  bar.addEventListener("click", (event) => {
    const act = event.target.closest("[data-do]");
    if (act) finish(act.dataset.do);
    else if (event.target.closest("[data-stop]")) stop();
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !document.querySelector("dialog[open]")) stop(); });
})();
