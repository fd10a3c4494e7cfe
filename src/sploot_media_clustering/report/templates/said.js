const sploot = (() => {
  const byId = (id) => document.getElementById(id);
  const albums = JSON.parse(byId("word").textContent);
  const KINDS = {
    same: "are one animal", different: "are two animals", not_this: "is not", confirm: "is", split: "is an animal of its own",
    not_animal: "shows no animal", name: "is called", hero: "is shown first", not_hero: "is never shown",
  };
  const WHOLE = [0, 0, 1, 1];
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.append(text);
    return element;
  };
  const bdi = (text) => make("bdi", "", text);
  const button = (text, action, className = "act") => {
    const made = make("button", className, text);
    made.type = "button";
    made.addEventListener("click", action);
    return made;
  };

  // What was said here and is not in the album yet. It is kept by the browser, so that a reload loses nothing.
  const keyOf = (album) => "sploot-said:" + location.pathname + ":" + album.name;
  const load = (album) => {
    const known = new Set(album.decisions.map((decision) => decision.id));
    try {
      return JSON.parse(localStorage.getItem(keyOf(album)) ?? "[]").filter((word) => !known.has(word.record.id));
    } catch { return []; }
  };
  for (const album of albums) {
    album.pending = load(album);
    album.marked = new Set();
    album.numbers = new Map(Object.entries(album.photos).map(([number, imageId]) => [imageId, Number(number)]));
  }
  const keep = (album) => {
    try { localStorage.setItem(keyOf(album), JSON.stringify(album.pending)); } catch { /* forgets on reload */ }
  };
  const tilesOf = Map.groupBy(document.querySelectorAll("button[data-photo]"), (tile) => tile.dataset.photo);
  const linksTo = Map.groupBy(
    document.querySelectorAll(".jump bdi, .legend bdi"), (name) => name.closest("a").getAttribute("href"),
  );
  const newId = () => [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const toast = byId("toast");
  let fading;
  const tell = (text) => {
    ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(toast);
    toast.textContent = text;
    toast.classList.add("seen");
    clearTimeout(fading);
    fading = setTimeout(() => toast.classList.remove("seen"), 3500);
  };
  const say = (album, what, note, animals = []) => {
    const record = { id: newId(), at: new Date().toISOString(), ...what };
    album.pending.push({ record, note, animals });
    keep(album);
    draw();
    tell(note + (note.endsWith("?") ? "" : ".") + " Press u to take it back.");
  };
  const newest = () => albums.filter((album) => album.pending.length)
    .sort((a, b) => a.pending.at(-1).record.at.localeCompare(b.pending.at(-1).record.at)).at(-1);
  const takeBack = (album, from) => {
    const gone = album.pending.splice(from);
    keep(album);
    draw();
    tell(gone.length === 1 ? "Taken back: " + gone[0].note : gone.length + " taken back");
  };

  // Animals and sightings.
  const ref = (album, [number, box]) => ({ image_id: album.photos[number], box });
  const group = (album, animal) => animal.members.map((seen) => ref(album, seen));
  const named = (album, animal) => album.pending.findLast(
    (word) => word.record.kind === "name" && word.animals[0] === animal.id,
  )?.record.name ?? animal.title;
  const find = (anchor) => {
    for (const album of albums) {
      const animal = album.animals.find((one) => one.anchor === anchor);
      if (animal) return [album, animal];
    }
    return [];
  };
  const albumOf = (number) => albums.find((album) => number in album.photos);
  const animalsOn = (album, number) => album.animals.filter((animal) => animal.members.some((seen) => seen[0] === number));
  const sightingOf = (animal, number) => animal.members.find((seen) => seen[0] === number);

  const sayName = (album, animal, name) => {
    const told = name.trim().replace(/\s+/g, " ");
    if (told) say(album, { kind: "name", sightings: group(album, animal), name: told }, named(album, animal) + " is called " + told, [animal.id]);
  };
  const saySame = (album, one, other) => say(
    album, { kind: "same", sightings: group(album, one), others: group(album, other) },
    named(album, one) + " and " + named(album, other) + " are one animal", [one.id, other.id],
  );
  const sayDifferent = (album, one, other) => say(
    album, { kind: "different", sightings: group(album, one), others: group(album, other) },
    named(album, one) + " and " + named(album, other) + " are two animals", [one.id, other.id],
  );
  const rest = (album, animal, number) => animal.members.filter((seen) => seen[0] !== number).map((seen) => ref(album, seen));
  const fileOf = (album, number) => album.photos[number].split("/").at(-1);
  const sayOut = (album, animal, number, kind) => {
    const others = rest(album, animal, number);
    if (!others.length) return tell("It is the only photo of " + named(album, animal) + ": name the animal anew instead.");
    say(album, { kind, sightings: [ref(album, sightingOf(animal, number))], others },
      fileOf(album, number) + (kind === "split" ? " is an animal of its own" : " is not " + named(album, animal)), [animal.id]);
  };
  const sayIn = (album, animal, number) => {
    const inside = sightingOf(animal, number);
    const aside = album.aside.find((seen) => seen[0] === number);
    const elsewhere = animalsOn(album, number).map((other) => sightingOf(other, number));
    const seen = inside ?? aside ?? elsewhere[0];
    const others = rest(album, animal, number);
    if (!seen || !others.length) return;
    say(album, { kind: "confirm", sightings: [ref(album, seen)], others }, fileOf(album, number) + " is " + named(album, animal), [animal.id]);
  };
  const seenOn = (album, number) => [
    ...animalsOn(album, number).map((animal) => [animal, sightingOf(animal, number)]),
    ...album.aside.filter((seen) => seen[0] === number).map((seen) => [null, seen]),
  ];
  const sayNone = (album, animal, seen, alone) => say(
    album, { kind: "not_animal", sightings: [ref(album, seen)] },
    alone ? fileOf(album, seen[0]) + " shows no animal" : (animal ? named(album, animal) : "The unsure one") + " on " + fileOf(album, seen[0]) + " is no animal",
    animal ? [animal.id] : [],
  );
  const sayShown = (album, number, kind) => {
    const seen = [...album.animals.flatMap((animal) => animal.members), ...album.aside].filter((part) => part[0] === number);
    if (seen.length) say(album, { kind, sightings: seen.map((part) => ref(album, part)) }, fileOf(album, number) + " " + KINDS[kind]);
  };

  // Choosing a name, or another animal.
  const choose = byId("choose");
  let chosen = () => {};
  const askName = (album, animal) => {
    byId("choose-title").textContent = "What is " + named(album, animal) + " called?";
    byId("choose-label").hidden = byId("choose-ok").hidden = false;
    byId("choose-list").replaceChildren();
    byId("choose-name").value = "";
    chosen = () => sayName(album, animal, byId("choose-name").value);
    choose.returnValue = "";
    choose.showModal();
    byId("choose-name").focus();
  };
  const askAnimal = (album, title, animals, action) => {
    byId("choose-title").textContent = title;
    byId("choose-label").hidden = byId("choose-ok").hidden = true;
    byId("choose-list").replaceChildren(...animals.map((animal) => {
      const item = make("li");
      const pick = button("", () => { choose.close(""); action(animal); }, "");
      const face = make("img", "face");
      face.alt = "";
      const picture = animal.members.length && byId("p" + animal.members[0][0]);
      if (picture) face.src = picture.textContent;
      pick.append(face, bdi(named(album, animal)));
      item.append(pick);
      return item;
    }));
    chosen = () => {};
    choose.returnValue = "";
    choose.showModal();
  };
  choose.addEventListener("close", () => choose.returnValue === "ok" && chosen());
  addEventListener("click", (event) => {
    const naming = event.target.closest("[data-name]");
    const joining = event.target.closest("[data-same]");
    const parting = event.target.closest("[data-different]");
    const [album, animal] = find(naming?.dataset.name ?? joining?.dataset.same ?? parting?.dataset.different);
    if (naming) askName(album, animal);
    if (parting) askAnimal(album, named(album, animal) + " is not the same animal as …", album.animals.filter((one) => one !== animal), (other) => sayDifferent(album, animal, other));
    if (joining) askAnimal(album, named(album, animal) + " is the same animal as …", album.animals.filter((one) => one !== animal), (other) => saySame(album, animal, other));
    event.target.closest("[data-close]")?.closest("dialog").close();
  });

  // In the viewer.
  let looking = null;
  document.addEventListener("described", (event) => {
    const { number, text, section } = event.detail;
    const album = albumOf(number);
    looking = { album, number };
    if (!album) return;
    const part = section("Is this right?");
    const acts = make("p", "acts");
    const here = animalsOn(album, number);
    for (const animal of here) {
      acts.append(button("Not " + named(album, animal), () => sayOut(album, animal, number, "not_this")));
      acts.append(button("An animal of its own", () => sayOut(album, animal, number, "split")));
    }
    const others = album.animals.filter((animal) => !here.includes(animal));
    if (others.length) {
      acts.append(button("It is …", () => askAnimal(album, "Who is it?", others, (animal) => sayIn(album, animal, number))));
    }
    for (const animal of here) acts.append(button("Yes, " + named(album, animal), () => sayIn(album, animal, number)));
    const seen = seenOn(album, number);
    for (const [animal, one] of seen) {
      const told = seen.length === 1 ? "Not an animal" : (animal ? named(album, animal) : "The unsure one") + " is no animal";
      acts.append(button(told, () => sayNone(album, animal, one, seen.length === 1)));
    }
    if (here.length) {
      acts.append(button("Show first", () => sayShown(album, number, "hero")));
      acts.append(button("Never show", () => sayShown(album, number, "not_hero")));
    }
    part.append(acts);
    text.querySelector("section").before(part);
  });
  byId("viewer").addEventListener("close", () => { looking = null; });

  // The drawer: what was said, and how it gets into the album.
  const several = albums.length > 1;
  const optionOf = (album) => (several ? ' --album "' + album.name.replaceAll('"', '\\"') + '"' : "");
  const fileName = (album) => (several ? album.name.replace(/[^\p{L}\p{N}_-]+/gu, "-") + "-" : "") + "decisions.jsonl";
  const download = (album) => {
    const lines = album.pending.map((word) => JSON.stringify(word.record) + "\n").join("");
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([lines], { type: "application/jsonl" }));
    link.download = fileName(album);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const command = (text) => {
    const line = make("code", "command", text);
    const copied = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(text);
        tell("Copied");
      } catch {
        getSelection().selectAllChildren(line);
        tell("Selected: copy it with your keyboard");
      }
    });
    const row = make("div", "copy");
    row.append(line, copied);
    return row;
  };
  const pendingSection = (album) => {
    const part = make("section");
    part.append(make("h3", "", several ? bdi(album.name) : "Not in the album yet"));
    album.pending.forEach((word, place) => {
      const line = make("div", "word");
      const text = make("span");
      text.append(bdi(word.note));
      line.append(text, button(place === album.pending.length - 1 ? "Undo" : "Undo from here", () => takeBack(album, place)));
      part.append(line);
    });
    part.append(button("Download decisions", () => download(album), "act strong download"));
    part.append(make("p", "soft", "Then run, with the folder that this report lies in:"));
    part.append(command("sploot-clustering decide FOLDER --import " + fileName(album) + optionOf(album)));
    return part;
  };
  const knownSection = (album) => {
    const part = make("section");
    part.append(make("h3", "", several ? bdi(album.name + ", in the album") : "In the album"));
    for (const decision of [...album.decisions].reverse()) {
      const line = make("div", "word" + (decision.status === "superseded" ? " gone" : ""));
      const text = make("span");
      const more = decision.sightings.length + (decision.others?.length ?? 0) - 1;
      text.append(bdi(decision.sightings[0].image_id + (more ? " and " + more + " more " : " ") + KINDS[decision.kind] + (decision.name ? " " + decision.name : "")));
      const newer = album.decisions.find((other) => other.id === decision.superseded_by);
      const standing = { superseded: "replaced by " + (newer ? newer.name ?? KINDS[newer.kind] : "a newer one"), waiting: "waits for its photos" };
      text.append(make("small", "", standing[decision.status] ?? "holds"));
      const marked = album.marked.has(decision.id);
      const undo = button("Undo", () => {
        if (!album.marked.delete(decision.id)) album.marked.add(decision.id);
        draw();
        byId("said-text").querySelector('[data-undo="' + decision.id + '"]')?.focus();
      });
      undo.dataset.undo = decision.id;
      undo.setAttribute("aria-pressed", String(marked));
      line.classList.toggle("marked", marked);
      line.append(text, undo);
      part.append(line);
    }
    if (album.marked.size) {
      part.append(make("p", "soft", "To take back what is marked, run:"));
      part.append(command("sploot-clustering decide FOLDER" + [...album.marked].map((id) => " --undo " + id).join("") + optionOf(album)));
    }
    return part;
  };
  byId("said-open").addEventListener("click", () => byId("said").showModal());

  // Questions.
  const ask = byId("ask");
  const skipped = new Set();
  const open = () => albums.flatMap((album) => album.questions
    .filter((question) => !skipped.has(question.id) && !album.pending.some((word) => word.question === question.id))
    .map((question) => [album, question]));
  // The square that a question shows of a photo: the whole animal that is meant, and a little around it. It
  // goes beyond the photo's edges only where more than a tenth of the animal would be cut off else; of a tall
  // one the feet are.
  const around = ([left, top, right, bottom], width, height) => {
    const longest = Math.max((right - left) * width, (bottom - top) * height);
    const shortest = Math.min(width, height);
    const side = longest > 1.1 * shortest ? longest : Math.min(1.25 * longest, shortest);
    const within = (start, length) => (side > length ? (length - side) / 2 : Math.min(Math.max(start, 0), length - side));
    const x = within((left + right) / 2 * width - side / 2, width);
    const y = within(Math.min((top + bottom) / 2 * height - side / 2, top * height), height);
    const percent = (share) => 100 * share + "%";
    return ([l, t, r, b]) => ({
      left: percent((l * width - x) / side), top: percent((t * height - y) / side),
      width: percent((r - l) * width / side), height: percent((b - t) * height / side),
    });
  };
  const pictures = (album, sightings) => sightings.map(({ image_id: imageId, box = WHOLE }) => {
    const frame = make("span", "photo");
    const image = make("img");
    const number = album.numbers.get(imageId);
    image.alt = imageId;
    frame.append(image);
    const picture = number !== undefined && byId("p" + number);
    if (!picture) return frame;
    image.src = picture.textContent;
    const place = around(box, Number(picture.dataset.w), Number(picture.dataset.h));
    Object.assign(image.style, place(WHOLE));
    if (seenOn(album, number).length > 1) {
      const mark = make("span", "outline");
      Object.assign(mark.style, place(box));
      frame.append(mark);
    }
    return frame;
  });
  const drawQuestion = () => {
    const left = open();
    if (!left.length) { ask.close(); return; }
    const [album, question] = left[0];
    byId("ask-count").textContent = left.length === 1 ? "The last question" : left.length + " questions";
    byId("ask-title").replaceChildren(bdi(question.text));
    byId("ask-these").replaceChildren(...pictures(album, question.sightings));
    byId("ask-those").replaceChildren(...pictures(album, question.others));
  };
  const reply = (answer) => {
    const [album, question] = open()[0] ?? [];
    if (!question) return;
    skipped.add(question.id);
    if (answer !== "skip") {
      say(album, question[answer], (answer === "yes" ? "Yes: " : "No: ") + question.text, question.cluster_ids);
      album.pending.at(-1).question = question.id;
      keep(album);
    }
    draw();
    drawQuestion();
  };
  ask.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-reply]");
    if (pressed) reply(pressed.dataset.reply);
  });
  byId("ask-open").addEventListener("click", () => { ask.showModal(); drawQuestion(); });

  // What the page shows of it all.
  const draw = () => {
    const count = albums.reduce((sum, album) => sum + album.pending.length, 0);
    byId("said-open").querySelector("span").textContent = count || "";
    byId("said-open").classList.toggle("some", count > 0);
    byId("said-open").setAttribute("aria-label", count ? "What you said, " + count + " not in the album yet" : "What you said");
    const questions = open().length;
    byId("ask-open").hidden = !questions;
    byId("ask-open").querySelector("span").textContent = questions;
    byId("ask-open").setAttribute("aria-label", questions === 1 ? "1 question" : questions + " questions");
    const parts = albums.flatMap((album) => [
      ...(album.pending.length ? [pendingSection(album)] : []),
      ...(album.decisions.length ? [knownSection(album)] : []),
    ]);
    byId("said-text").replaceChildren(...(parts.length ? parts : [make("p", "soft", "Nothing yet. Name an animal, or open a photo and say what is wrong with it.")]));
    document.querySelectorAll(".taken, .chosen").forEach((tile) => tile.classList.remove("taken", "chosen"));
    for (const album of albums) drawAlbum(album);
    dispatchEvent(new Event("spoken"));
  };
  const drawAlbum = (album) => {
    for (const animal of album.animals) {
      const title = named(album, animal);
      const section = byId(animal.anchor);
      section.querySelector("#" + animal.anchor + "-name bdi").textContent = title;
      for (const link of linksTo.get("#" + animal.anchor) ?? []) link.textContent = title;
      const about = album.pending.filter((word) => word.animals.includes(animal.id));
      const list = section.querySelector("[data-pending]");
      list.hidden = !about.length;
      list.replaceChildren(...about.map((word) => make("li", "", bdi(word.note))));
    }
    joinUp(album);
    for (const { record, animals } of album.pending) {
      const mark = { not_this: "taken", split: "taken", not_animal: "taken", not_hero: "taken", hero: "chosen" }[record.kind];
      if (!mark) continue;
      for (const { image_id: imageId } of record.sightings) {
        const inside = animals.length ? byId(album.animals.find((animal) => animal.id === animals[0])?.anchor) : byId(album.anchor);
        for (const tile of tilesOf.get(String(album.numbers.get(imageId))) ?? []) if (inside?.contains(tile)) tile.classList.add(mark);
      }
    }
  };
  // Animals said to be one stand together, under the first of them.
  const joinUp = (album) => {
    const over = new Map();
    const root = (id) => (over.has(id) ? root(over.get(id)) : id);
    for (const { record, animals } of album.pending) {
      if (record.kind !== "same" || animals.length < 2) continue;
      const order = animals.map(root).sort((a, b) => placeOf(album, a) - placeOf(album, b));
      if (order[0] !== order[1]) over.set(order[1], order[0]);
    }
    const shown = JSON.stringify([...over]);
    if (shown === (album.shown ?? "[]")) return;
    album.shown = shown;
    const groups = Map.groupBy(album.animals, (animal) => root(animal.id));
    let last = byId(album.anchor).querySelector(".opening");
    for (const animal of [...groups.values()].flat()) {
      const section = byId(animal.anchor);
      section.classList.toggle("joined", over.has(animal.id));
      last.after(section);
      last = section;
    }
  };
  const placeOf = (album, id) => album.animals.findIndex((animal) => animal.id === id);

  // Keys.
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea")) return;
    const album = newest();
    if (event.key === "u" && album) takeBack(album, album.pending.length - 1);
    if (ask.open && "yns".includes(event.key)) reply({ y: "yes", n: "no", s: "skip" }[event.key]);
    if (looking && event.key === "h") sayShown(looking.album, looking.number, "hero");
    if (looking && event.key === "x") {
      const [animal] = animalsOn(looking.album, looking.number);
      if (animal) sayOut(looking.album, animal, looking.number, "not_this");
    }
  });
  draw();
  return { say, find, group, named, shown: (number, kind) => sayShown(albumOf(number), number, kind) };
})();
