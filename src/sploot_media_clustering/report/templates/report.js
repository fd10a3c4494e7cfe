"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const details = JSON.parse(byId("details").textContent);
  const root = document.documentElement;

  // Pictures: each stands once in the file and is shown wherever it is needed.
  const pictureOf = (number) => byId("p" + number);
  const show = (image) => {
    const picture = pictureOf(image.dataset.p);
    if (picture && !image.src) image.src = picture.textContent;
  };
  const lazily = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      lazily.unobserve(entry.target);
      show(entry.target);
    }
  }, { rootMargin: "900px 0px" });
  for (const image of document.querySelectorAll("img[data-p]")) lazily.observe(image);
  addEventListener("beforeprint", () => document.querySelectorAll("img[data-p]").forEach(show));

  // Light and dark.
  const remembered = (() => {
    try { return localStorage.getItem("sploot-theme"); } catch { return null; }
  })();
  if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;
  byId("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("sploot-theme", root.dataset.theme); } catch { /* a page without storage forgets */ }
  });

  // Elements.
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const isolated = (name, className, text) => {
    const element = make(name, className);
    element.append(make("bdi", "", text));
    return element;
  };

  // Outlines of animals, on any frame that shows a photo, cropped or whole.
  const outline = (frame, number, spacious) => {
    const picture = pictureOf(number);
    if (!picture) return;
    const image = frame.querySelector("img");
    const { offsetLeft, offsetTop, offsetWidth: width, offsetHeight: height } = image;
    const scale = Math.max(width / picture.dataset.w, height / picture.dataset.h);
    const [x, y] = getComputedStyle(image).objectPosition.split(" ").map((part) => parseFloat(part) / 100);
    const across = picture.dataset.w * scale;
    const down = picture.dataset.h * scale;
    for (const { box, label, colour } of details[number].outlines) {
      const left = Math.max(box[0] * across - (across - width) * x, 2);
      const top = Math.max(box[1] * down - (down - height) * y, 2);
      const right = Math.min(box[2] * across - (across - width) * x, width - 2);
      const bottom = Math.min(box[3] * down - (down - height) * y, height - 2);
      if (right <= left || bottom <= top) continue;
      const mark = make("span", "outline known " + colour);
      Object.assign(mark.style, {
        left: offsetLeft + left + "px", top: offsetTop + top + "px", width: right - left + "px", height: bottom - top + "px",
      });
      mark.setAttribute("aria-hidden", "true");
      if (spacious || width > 240) mark.append(isolated("span", "", label));
      frame.append(mark);
    }
  };
  const clear = (frame) => frame.querySelectorAll(":scope > .outline").forEach((mark) => mark.remove());
  const tileOf = (event) => event.target.closest?.("button.photo");
  const enter = (event) => {
    const tile = tileOf(event);
    if (!tile || tile.querySelector(".outline")) return;
    outline(tile, tile.dataset.photo, false);
  };
  const leave = (event) => {
    const tile = tileOf(event);
    if (tile && !tile.contains(event.relatedTarget)) clear(tile);
  };
  addEventListener("pointerover", (event) => event.pointerType === "mouse" && enter(event));
  addEventListener("pointerout", leave);
  addEventListener("focusin", (event) => event.target.matches(":focus-visible") && enter(event));
  addEventListener("focusout", leave);

  // Moments and long shelves open in place.
  const open = (button, items) => {
    const shown = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(shown));
    items.forEach((item) => item.classList.toggle("shown", shown));
  };
  addEventListener("click", (event) => {
    const count = event.target.closest(".count");
    if (count) open(count, document.querySelectorAll("." + count.dataset.stack));
    const more = event.target.closest(".more");
    if (more) open(more, byId(more.getAttribute("aria-controls")).querySelectorAll(".later"));
  });

  // The viewer.
  const viewer = byId("viewer");
  const sheet = byId("viewer-sheet");
  const photo = byId("viewer-photo");
  const text = byId("viewer-text");
  const outlines = byId("viewer-outlines");
  let sequence = [];
  let place = 0;

  const section = (title) => {
    const part = make("section");
    if (title) part.append(isolated("h3", "", title));
    text.append(part);
    return part;
  };
  const describe = (detail) => {
    byId("viewer-name").replaceChildren(make("bdi", "", detail.name));
    text.replaceChildren();
    if (detail.folder) text.append(isolated("p", "note-line", detail.folder));
    detail.facts.forEach((fact) => text.append(make("p", "note-line", fact)));
    detail.choices.forEach((choice) => {
      const part = section(choice.title);
      choice.reasons.forEach((reason) => part.append(isolated("p", "reason", reason)));
    });
    if (detail.signals.length) describeSignals(detail.signals);
    if (detail.places.length) {
      const part = section("Where it belongs");
      detail.places.forEach((where) => {
        const line = make("p", "place " + where.colour);
        line.append(make("i"), make("bdi", "", where.title), make("span", "", where.note));
        part.append(line);
      });
    }
    if (detail.asides.length) {
      const part = section("Set aside");
      detail.asides.forEach((aside) => part.append(isolated("p", "", aside)));
    }
    if (detail.moment.length) describeMoment(detail);
    document.dispatchEvent(new CustomEvent("described", { detail: { number: detail.number, moment: detail.moment, sequence, text, section } }));
  };
  const describeSignals = (signals) => {
    const list = make("dl", "signals");
    for (const [name, share, said] of signals) {
      const meter = make("dd", "meter");
      const fill = make("i");
      fill.style.width = share * 100 + "%";
      meter.append(fill);
      meter.setAttribute("aria-hidden", "true");
      list.append(make("dt", "", name), meter, make("dd", "", said));
    }
    section("What speaks for it").append(list);
  };
  const describeMoment = (detail) => {
    const strip = make("div", "strip");
    for (const number of detail.moment) {
      const button = make("button", "photo");
      button.type = "button";
      const image = make("img");
      image.dataset.p = number;
      image.alt = details[number].name;
      show(image);
      if (number === detail.number) button.setAttribute("aria-current", "true");
      button.append(image);
      button.addEventListener("click", () => visit(number));
      strip.append(button);
    }
    section(detail.moment.length + " photos of this moment").append(strip);
  };

  const fit = () => {
    const picture = pictureOf(sequence[place]);
    const stage = sheet.parentElement;
    if (!picture || !stage.clientWidth) return;
    const below = stage.clientWidth === innerWidth;
    const margin = below ? 0 : 24;
    const height = below ? innerHeight * 0.56 : stage.clientHeight;
    const scale = Math.min(
      (stage.clientWidth - 2 * margin) / picture.dataset.w, (height - 2 * margin) / picture.dataset.h, 2,
    );
    sheet.style.width = picture.dataset.w * scale + "px";
    sheet.style.height = picture.dataset.h * scale + "px";
    mark();
  };
  const mark = (hovered) => {
    clear(sheet);
    if (hovered || outlines.getAttribute("aria-pressed") === "true") outline(sheet, sequence[place], true);
  };
  const draw = () => {
    const number = sequence[place];
    const picture = pictureOf(number);
    if (picture) photo.src = picture.textContent;
    else photo.removeAttribute("src");
    photo.alt = details[number].name;
    byId("viewer-back").disabled = place === 0;
    byId("viewer-on").disabled = place === sequence.length - 1;
    describe(details[number]);
    byId("viewer-panel").scrollTop = 0;
    fit();
  };
  const visit = (number) => {
    const found = sequence.indexOf(number);
    if (found >= 0) place = found;
    else sequence.splice(++place, 0, number);
    draw();
  };
  const turn = (step) => {
    const next = Math.min(Math.max(place + step, 0), sequence.length - 1);
    if (next === place) return;
    place = next;
    draw();
  };
  addEventListener("click", (event) => {
    const tile = tileOf(event);
    if (!tile || !tile.dataset.photo) return;
    const tiles = [...tile.closest("[data-gallery]").querySelectorAll("button[data-photo]")];
    sequence = tiles.map((other) => Number(other.dataset.photo));
    place = tiles.indexOf(tile);
    clear(tile);
    viewer.showModal();
    draw();
    byId("viewer-close").focus();
  });
  byId("viewer-back").addEventListener("click", () => turn(-1));
  byId("viewer-on").addEventListener("click", () => turn(1));
  byId("viewer-close").addEventListener("click", () => viewer.close());
  outlines.addEventListener("click", () => {
    outlines.setAttribute("aria-pressed", String(outlines.getAttribute("aria-pressed") !== "true"));
    mark();
  });
  sheet.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && mark(true));
  sheet.addEventListener("pointerleave", () => mark());
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
  let touched = null;
  viewer.addEventListener("touchstart", (event) => { touched = event.touches[0]; }, { passive: true });
  viewer.addEventListener("touchend", (event) => {
    const across = event.changedTouches[0].clientX - touched.clientX;
    const down = event.changedTouches[0].clientY - touched.clientY;
    if (Math.abs(across) > 48 && Math.abs(across) > 2 * Math.abs(down)) turn(across < 0 ? 1 : -1);
  }, { passive: true });
  addEventListener("resize", () => viewer.open && fit());
  addEventListener("spoken", () => {
    if (!viewer.open) return;
    const inside = text.contains(document.activeElement);
    describe(details[sequence[place]]);
    if (inside) byId("viewer-panel").focus();
  });
})();
