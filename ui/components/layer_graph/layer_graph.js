// The component: one View per host element. Streamlit calls the default export again after every run of the page,
// so all state lives in the View, and the graph is laid out again only when its `rev` changes.

const MIN_ZOOM = 0.02,
  MAX_ZOOM = 3,
  READABLE = 0.72,
  FAR = 0.42;
const NARROW = 520; // a phone: no overview, details at the edge
const MINIMAP = { width: 84, margin: 8 };
const MOVE_MS = 240,
  ANIMATED_BOXES = 160; // larger pictures change at once
const HEAT_STEPS = 24; // shades in the legend and the overview
const DIFFERENCE = "difference"; // coloured by marks; null stands for kinds, otherwise a cost
const CLICK_SLOP = 5; // pixels a pointer may wander in a click

class View {
  constructor(host) {
    this.host = host;
    this.canvas = host.querySelector(".canvas");
    this.surface = host.querySelector(".canvas > svg");
    this.scene = this.surface.querySelector(".scene");
    this.find = host.querySelector('input[type="search"]');
    this.details = host.querySelector(".details");
    this.minimap = host.querySelector(".minimap");
    this.x = this.y = 0;
    this.zoom = 1;
    this.rev = null;
    this.selected = this.focused = this.hovered = null;
    this.received = ""; // what Python last sent, as text
    this.wish = null; // what Python last asked to have selected
    this.sent = []; // selections told to Python that have not come back yet
    this.hits = [];
    this.colouring = null;
    this.marks = null;
    this.marked = "null"; // the marks as text
    this.send = () => {};
    this.listen();
  }

  /** Data from Python, mostly what is here already. */
  receive(bytes) {
    const text = new TextDecoder().decode(bytes);
    if (text === this.received) return;
    this.received = text;
    const { name, graph, height, marks } = JSON.parse(text);
    this.name = name;
    this.canvas.style.setProperty("--height", `${height}px`);
    const fresh = this.remark(marks);
    if (this.rev !== graph.rev) this.show(graph);
    else if (fresh) this.draw(); // compared with another network now: the blocks stay as they are
    this.obey();
  }

  /** Do what the page wishes of this graph, see wish.js. */
  obey() {
    const wish = document.zoolensWishes?.get(this.name);
    if (wish?.rev === this.rev) this.follow(wish.selected);
  }

  /** New marks; whether they are others than before. The first ones colour the boxes. */
  remark(marks) {
    const text = JSON.stringify(marks ?? null);
    if (text === this.marked) return false;
    if (!this.marks) this.colouring = DIFFERENCE;
    else if (!marks && this.colouring === DIFFERENCE) this.colouring = null;
    this.marked = text;
    this.marks = marks;
    this.host.querySelector(".difference").hidden = !marks;
    this.tickColouring();
    return true;
  }

  /** The cost that colours the boxes; null where something else does. */
  get metric() {
    return this.colouring === DIFFERENCE ? null : this.colouring;
  }

  tickColouring() {
    for (const input of this.host.querySelectorAll(".colours input"))
      input.checked = input.value === (this.colouring ?? "kind");
  }

  show(graph) {
    this.rev = graph.rev;
    this.measure();
    this.model = buildModel(graph);
    this.open = defaultOpen(this.model);
    this.selected = this.focused = this.wish = null;
    this.sent = [];
    this.surface.setAttribute("aria-label", `Layers of ${graph.title}`);
    this.tickColouring();
    this.search(this.find.value);
    this.draw();
    this.fitted = false;
    this.fitAtFirst();
  }

  /** Python's wish counts when it is new and not merely a click of ours on its way back. */
  follow(id) {
    if (id === this.wish) return;
    this.wish = id;
    const echo = this.sent.indexOf(id);
    if (echo >= 0) return void this.sent.splice(0, echo + 1);
    this.sent = [];
    if (id !== null && !this.model.items.has(id)) return;
    this.mark(id);
    if (id !== null) this.reveal(id);
  }

  // drawing

  draw() {
    const start = performance.now();
    ruler.font = getComputedStyle(this.host).getPropertyValue("--font") || "sans-serif";
    this.placed = layout(this.model, this.open, measureText);
    const laidOut = performance.now();
    this.boxes = visibleBoxes(this.model, this.open);
    this.most = this.metric
      ? Math.max(0, ...this.boxes.map((id) => this.model.items.get(id)[this.metric] ?? 0))
      : 0;
    const { root, elements } = drawScene(this.model, this.open, this.placed, this);
    this.elements = elements;
    this.scene.replaceChildren(root, (this.spots = svg("g", { class: "spots" })));
    this.surface.classList.toggle("heat", this.metric !== null);
    this.surface.classList.toggle("marked", this.colouring === DIFFERENCE);
    this.drawLegend();
    this.drawMinimap();
    this.markAll();
    const drawn = performance.now();
    this.host.dataset.stat = JSON.stringify({
      layout: +(laidOut - start).toFixed(1),
      dom: +(drawn - laidOut).toFixed(1),
      visible: elements.size,
      links: this.placed.links.length,
    });
    this.host.dataset.ready = "1";
  }

  drawLegend() {
    if (this.colouring === DIFFERENCE) this.legend = markLegend();
    else if (this.metric) this.legend = heatLegend(this.metric, this.most);
    else
      this.legend = kindLegend(new Set(this.boxes.flatMap((id) => this.model.items.get(id).kinds)));
    if (this.placed.links.some((link) => link.skip)) this.legend.push(shortcutEntry());
    this.host.querySelector(".legend").replaceChildren(
      ...this.legend.map(({ swatch, size, text }) => {
        const entry = document.createElement("span");
        entry.className = "entry";
        entry.append(
          svg("svg", { width: size, height: 16, "aria-hidden": "true" }, swatch.cloneNode(true)),
          text,
        );
        return entry;
      }),
    );
  }

  /** Boxes move from where they were; new ones appear. */
  animateFrom(before) {
    if (this.elements.size > ANIMATED_BOXES || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timing = { duration: MOVE_MS, easing: "cubic-bezier(.2,.7,.2,1)" };
    for (const [id, element] of this.elements) {
      const from = before.boxes.get(id),
        to = this.placed.boxes.get(id);
      if (!from) element.animate([{ opacity: 0 }, { opacity: 0, offset: 0.4 }, { opacity: 1 }], timing);
      else if (from.x !== to.x || from.y !== to.y) {
        element.animate(
          [from, to].map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` })),
          timing,
        );
      }
    }
    for (const path of this.scene.querySelectorAll(".edge, .arrow, .size")) {
      path.animate([{ opacity: 0 }, { opacity: 0, offset: 0.5 }, { opacity: 1 }], timing);
    }
  }

  drawMinimap() {
    const { width } = MINIMAP;
    const room = this.size.height - 2 * MINIMAP.margin;
    const across = width / this.placed.width;
    const down = Math.min(across, Math.max(room, 1) / this.placed.height);
    this.map = { across, down };
    const shapes = new Map(); // one path for all boxes of a colour
    for (const id of this.boxes) {
      const { x, y, w, h } = this.placed.boxes.get(id),
        item = this.model.items.get(id);
      const heat = this.metric ? heatOf(item, this.metric, this.most) : null;
      const kind = this.metric ? "uncounted" : item.isGroup ? "closed" : item.kind;
      const plain = this.colouring === DIFFERENCE ? `mark ${this.marks[id]}` : kind;
      const colour = heat === null ? plain : heatColour(Math.round(heat * HEAT_STEPS) / HEAT_STEPS);
      const shape = shapes.get(colour) ?? { class: heat === null ? plain : "counted", d: "" };
      if (heat !== null) shape.style = `fill:${colour}`;
      shape.d += `M${x * across} ${y * down}h${w * across}v${Math.max(h * down, 0.8)}h${-w * across}z`;
      shapes.set(colour, shape);
    }
    this.window = svg("rect", { class: "window", rx: 2 });
    const picture = svg(
      "svg",
      { width, height: this.placed.height * down },
      ...[...shapes.values()].map((shape) => svg("path", shape)),
      this.window,
    );
    this.minimap.replaceChildren(picture);
    this.place();
  }

  // looking around

  measure() {
    this.size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** The overview covers this much of the canvas at its right. */
  overview(zoom = this.zoom) {
    const shown = this.size.width >= NARROW && exceeds(this.placed, zoom, this.size);
    return shown ? MINIMAP.width + 2 * MINIMAP.margin : 0;
  }

  /** What nothing lies over. */
  room() {
    return { width: this.size.width - this.overview(), height: this.size.height };
  }

  place() {
    this.point(null); // the box it speaks of is no longer there
    this.scene.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.zoom})`);
    this.scene.classList.toggle("far", this.zoom < FAR);
    const { width, height } = this.size;
    this.minimap.hidden = !this.overview();
    const larger = this.placed.height * this.zoom > height || this.placed.width * this.zoom > width;
    this.canvas.classList.toggle("larger", larger);
    const { across, down } = this.map;
    const left = Math.max(0, -this.x / this.zoom),
      top = Math.max(0, -this.y / this.zoom);
    const right = Math.min(this.placed.width, (width - this.x) / this.zoom),
      bottom = Math.min(this.placed.height, (height - this.y) / this.zoom);
    const frame = {
      x: left * across,
      y: top * down,
      width: Math.max(0, right - left) * across,
      height: Math.max(4, (bottom - top) * down),
    };
    for (const [name, value] of Object.entries(frame)) this.window.setAttribute(name, value);
  }

  /** The graph may not leave the canvas. */
  moveTo(x, y) {
    const keep = 60,
      { width, height } = this.size;
    const bound = (value, extent, room) =>
      Math.min(
        Math.max(value, Math.min(keep, room / 2) - extent * this.zoom),
        room - Math.min(keep, room / 2),
      );
    this.x = bound(x, this.placed.width, width);
    this.y = bound(y, this.placed.height, height);
    this.place();
  }

  zoomAt(factor, px = this.size.width / 2, py = this.size.height / 2) {
    const zoom = Math.min(Math.max(this.zoom * factor, MIN_ZOOM), MAX_ZOOM),
      change = zoom / this.zoom;
    this.zoom = zoom;
    this.moveTo(px - (px - this.x) * change, py - (py - this.y) * change);
  }

  /** All of it; where that would be a sliver, its width at the place on screen. */
  fit() {
    const middle = (this.size.height / 2 - this.y) / this.zoom;
    this.stand(fitted(this.placed, this.size, { least: FAR, middle, overview: this.overview(1) }));
  }

  /** All of it where that stays readable, otherwise its beginning. A hidden tab has no size yet: then later. */
  fitAtFirst() {
    if (this.fitted || !this.size.width) return;
    this.fitted = true;
    const overview = this.overview(1);
    this.stand(fitted(this.placed, this.size, { least: READABLE, narrowest: 0.5, overview }));
    if (this.selected) this.centre(this.selected);
  }

  stand({ x, y, zoom }) {
    this.zoom = Math.max(zoom, MIN_ZOOM);
    this.moveTo(x, y);
  }

  centre(id) {
    if (this.zoom < READABLE) this.zoom = READABLE;
    const { x, y } = centred(this.placed.boxes.get(id), this.placed, this.zoom, this.room());
    this.moveTo(x, y);
  }

  /** Move only as far as needed to see a box's upper end. */
  bringIntoView(id) {
    const { x, y, w, h } = this.placed.boxes.get(id),
      { width, height } = this.room();
    const shift = (from, to, room) =>
      from < MARGIN ? MARGIN - from : to > room - MARGIN ? Math.max(room - MARGIN - to, MARGIN - from) : 0;
    const left = this.x + x * this.zoom,
      top = this.y + y * this.zoom;
    this.moveTo(
      this.x + shift(left, left + w * this.zoom, width),
      this.y + shift(top, top + Math.min(h * this.zoom, 120), height),
    );
  }

  /** The closed box nearest to the middle of what is seen: it stays there when all around it opens. */
  nearest() {
    const { width, height } = this.room();
    let best = null,
      least = Infinity;
    for (const [id, { x, y, w, h }] of this.placed.boxes) {
      if (this.open.has(id)) continue;
      const far = Math.hypot(
        this.x + (x + w / 2) * this.zoom - width / 2,
        this.y + (y + h / 2) * this.zoom - height / 2,
      );
      if (far < least) [best, least] = [id, far];
    }
    return best;
  }

  // opening and closing

  change(open, anchor = null) {
    const before = this.placed;
    this.open = open;
    if (this.focused && !visibleOrder(this.model, open).includes(this.focused)) {
      this.focused = ancestors(this.model, this.focused).find((id) => !open.has(id)) ?? null;
    }
    const hadFocus = this.scene.contains(this.host.getRootNode().activeElement);
    this.draw();
    if (anchor) {
      // what was clicked stays under the pointer
      const from = before.boxes.get(anchor),
        to = this.placed.boxes.get(anchor);
      const grown = (to.w - from.w) / 2;
      this.moveTo(this.x + (from.x - to.x - grown) * this.zoom, this.y + (from.y - to.y) * this.zoom);
    }
    this.animateFrom(before);
    if (hadFocus && this.focused) this.elements.get(this.focused).focus({ preventScroll: true });
  }

  toggle(id) {
    const open = new Set(this.open);
    if (!open.delete(id)) open.add(id);
    this.change(open, id);
    this.say(`${this.nameOf(id)} ${open.has(id) ? "opened" : "closed"}`);
  }

  reveal(id) {
    const closed = ancestors(this.model, id).filter((each) => !this.open.has(each));
    if (closed.length) {
      this.change(new Set([...this.open, ...closed]));
      const across = (this.room().width - 2 * MARGIN) / this.placed.width; // what has grown should still fit
      this.zoom = Math.min(this.zoom, Math.max(across, READABLE));
    }
    this.centre(id);
  }

  // selecting and pointing

  select(id) {
    this.mark(id);
    this.sent.push(id);
    this.sent = this.sent.slice(-20);
    this.send("selected", id);
    this.say(id ? `${this.nameOf(id)} selected` : "nothing selected");
  }

  mark(id) {
    this.selected = id;
    if (id) this.focused = id;
    this.markAll();
  }

  markAll() {
    const order = visibleOrder(this.model, this.open);
    if (!this.elements.has(this.focused)) this.focused = order[0] ?? null;
    const found = new Set(this.hits);
    for (const [id, element] of this.elements) {
      element.setAttribute("tabindex", id === this.focused ? 0 : -1);
      element.setAttribute("aria-selected", String(id === this.selected));
      element.classList.toggle("selected", id === this.selected);
      element.classList.toggle("found", found.has(id));
    }
    this.spotlight(this.hovered ?? this.selected);
  }

  focus(id) {
    this.elements.get(this.focused)?.setAttribute("tabindex", -1);
    this.focused = id;
    const element = this.elements.get(id);
    element.setAttribute("tabindex", 0);
    this.bringIntoView(id); // first: the card of what has the focus goes when the picture moves
    element.focus({ preventScroll: true });
  }

  /** The edges of one box in full, on through the borders of the groups around, with the sizes they carry. */
  spotlight(id) {
    if (!this.elements.has(id)) return this.spots.replaceChildren();
    const lit = [];
    const walk = (each, mine, other) => {
      for (const link of this.placed.links) {
        if (link[mine] !== each) continue;
        lit.push(link);
        if (link[other] === null && link.group) walk(link.group, mine, other);
      }
    };
    walk(id, "source", "target");
    walk(id, "target", "source");
    const labels = new Map(lit.map((link) => [`${link.at.x},${link.at.y}`, link]));
    this.spots.replaceChildren(
      svg("path", { class: "spot", d: lit.map((link) => link.way()).join("") }),
      svg("path", { class: "spot-arrow", d: lit.map((link) => arrowHead(link.arrow)).join("") }),
      ...[...labels.values()].map(({ at, shapes }) =>
        sizeLabel(at.x, at.y, shapes.length > 1 ? `${shapes.length} sizes` : shapes[0]),
      ),
    );
  }

  point(id) {
    if (id === this.hovered) return;
    this.hovered = id;
    this.spotlight(id ?? this.selected);
    this.details.hidden = !id;
    if (!id) return;
    this.details.replaceChildren(...detailsOf(this.model, this.model.items.get(id), this.marks?.[id]));
    const box = this.onScreen(id),
      room = this.room();
    const docked = this.size.width < NARROW;
    this.details.classList.toggle("docked", docked);
    this.details.classList.toggle("above", docked && box.y > room.height / 2);
    this.details.style.left = this.details.style.top = "";
    if (docked) return;
    const card = { w: this.details.offsetWidth, h: this.details.offsetHeight };
    const others = this.boxes.map((each) => this.onScreen(each));
    const { x, y } = besideBox(card, box, others, room);
    this.details.style.left = `${x}px`;
    this.details.style.top = `${y}px`;
  }

  onScreen(id) {
    const { x, y, w, h } = this.placed.boxes.get(id);
    return { x: this.x + x * this.zoom, y: this.y + y * this.zoom, w: w * this.zoom, h: h * this.zoom };
  }

  search(query) {
    this.hits = search(this.model, query);
    this.hit = -1;
    this.host.querySelector(".hits").textContent = query.trim() ? `${this.hits.length} found` : "";
  }

  nextHit(step) {
    if (!this.hits.length) return this.say("nothing found");
    this.hit = (this.hit + step + this.hits.length) % this.hits.length;
    const id = this.hits[this.hit];
    this.reveal(id);
    this.focused = id;
    this.markAll();
    this.point(id);
    this.host.querySelector(".hits").textContent = `${this.hit + 1}/${this.hits.length}`;
    this.say(
      `${this.hit + 1} of ${this.hits.length}: ${describe(this.model.items.get(id), this.open.has(id), this.marks?.[id])}`,
    );
  }

  say(text) {
    this.host.querySelector(".spoken").textContent = text;
  }

  nameOf(id) {
    const { label, title, subtitle } = this.model.items.get(id);
    return title ? `${title} ${subtitle}`.trim() : label;
  }

  save(ending) {
    const font = `${getComputedStyle(this.host).fontFamily}, Arial, sans-serif`;
    const picture = exportSvg(this.scene, this.placed, this.model.title, this.legend, font);
    const ready = ending === "svg" ? Promise.resolve(svgBlob(picture.out)) : pngBlob(picture);
    ready.then(
      (blob) => download(blob, fileName(this.model.title, ending)),
      () => this.say("the picture could not be made"),
    );
    this.say(`${ending.toUpperCase()} saved`);
  }

  // events

  /** Taken out of the page. */
  leave() {
    document.removeEventListener("zoolens-wish", this.wished);
  }

  listen() {
    const { host, surface, canvas } = this;
    this.wished = () => this.obey();
    document.addEventListener("zoolens-wish", this.wished);
    const idAt = (event) => event.target.closest?.("[data-id]")?.dataset.id ?? null;
    const actions = {
      expand: () => this.change(openNextLevel(this.model, this.open), this.nearest()),
      collapse: () => {
        this.change(new Set());
        this.fit();
      },
      fit: () => this.fit(),
      in: () => this.zoomAt(1.25),
      out: () => this.zoomAt(0.8),
      svg: () => this.save("svg"),
      png: () => this.save("png"),
      full: () =>
        host.getRootNode().fullscreenElement ? document.exitFullscreen() : host.requestFullscreen(),
    };
    for (const button of host.querySelectorAll("button[data-do]"))
      button.addEventListener("click", () => actions[button.dataset.do]());
    for (const input of host.querySelectorAll(".colours input")) {
      input.addEventListener("change", () => {
        this.colouring = input.value === "kind" ? null : input.value;
        this.draw();
        this.say(`coloured by ${METRICS[this.colouring] ?? input.value}`);
      });
    }
    this.find.addEventListener("input", () => {
      this.search(this.find.value);
      this.point(null);
      this.markAll();
    });
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.nextHit(event.shiftKey ? -1 : 1);
      else if (event.key === "ArrowDown" && this.focused) this.focus(this.focused);
      else if (event.key === "Escape") {
        this.find.value = "";
        this.search("");
        this.markAll();
        this.point(null);
      } else return;
      event.preventDefault();
    });

    surface.addEventListener("keydown", (event) => this.key(event, idAt(event)));
    surface.addEventListener("focusin", (event) => {
      const id = idAt(event);
      if (id && event.target.matches(":focus-visible")) {
        this.bringIntoView(id);
        this.point(id);
      }
    });
    canvas.addEventListener("focusin", () => canvas.classList.add("live"));
    canvas.addEventListener("focusout", (event) => {
      if (canvas.contains(event.relatedTarget)) return;
      canvas.classList.remove("live");
      this.point(null);
    });

    surface.addEventListener("pointerover", (event) => {
      if (!this.fingers.size) this.point(idAt(event));
    });
    surface.addEventListener("pointerleave", () => this.point(null));
    surface.addEventListener("click", (event) => {
      if (this.dragged) return;
      const id = idAt(event);
      if (id && event.target.closest(".toggle")) {
        this.focused = id;
        this.toggle(id);
        this.elements.get(id).focus({ preventScroll: true });
      } else if (id) {
        this.select(id);
        this.elements.get(id).focus({ preventScroll: true });
        this.point(id);
      } else this.elements.get(this.focused)?.focus({ preventScroll: true });
    });
    surface.addEventListener("dblclick", (event) => {
      const id = idAt(event);
      if (id && this.model.items.get(id).isGroup && !event.target.closest(".toggle")) this.toggle(id);
    });
    surface.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.listenToFingers();
    this.listenToMinimap();
    new ResizeObserver(() => {
      const before = this.size?.width;
      this.measure();
      if (!this.placed) return;
      if (this.fitted && before) this.x += (this.size.width - before) / 2; // full screen: the middle stays
      this.fitAtFirst();
      this.drawMinimap();
    }).observe(canvas);
  }

  key(event, id) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      this.find.focus();
      this.find.select();
    } else if (event.key === "f") this.fit();
    else if (event.key === "Enter" && id) this.select(id);
    else if (event.key === "Escape") {
      if (!this.details.hidden) this.point(null);
      else if (this.selected) this.select(null);
    } else {
      const move = id && treeKey(this.model, this.open, id, event.key);
      if (!move) return;
      if (move.toggle) this.toggle(move.toggle);
      else if (move.focus !== id) this.focus(move.focus);
    }
    event.preventDefault();
  }

  /** Ctrl + wheel zooms. The plain wheel scrolls the page until the graph has the focus, and at the graph's ends again. */
  wheel(event) {
    const { left, top } = this.surface.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      const step = Math.max(-40, Math.min(40, event.deltaY * (event.deltaMode ? 18 : 1))); // a notch of a mouse is 100 and more
      this.zoomAt(Math.exp(-step * 0.006), event.clientX - left, event.clientY - top);
      return event.preventDefault();
    }
    if (!this.canvas.classList.contains("live")) return;
    const step = event.deltaMode ? 18 : 1,
      { width, height } = this.room();
    const [dx, dy] = event.shiftKey ? [event.deltaY * step, 0] : [event.deltaX * step, event.deltaY * step];
    const end = (at, extent, room, move) =>
      move > 0 ? at + extent * this.zoom <= room - MARGIN : at >= MARGIN;
    const canX = dx && !end(this.x, this.placed.width, width, dx),
      canY = dy && !end(this.y, this.placed.height, height, dy);
    if (!canX && !canY) return;
    this.moveTo(this.x - (canX ? dx : 0), this.y - (canY ? dy : 0));
    event.preventDefault();
  }

  listenToFingers() {
    const { surface, canvas } = this;
    this.fingers = new Map();
    this.dragged = false;
    surface.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      if (!this.fingers.size) this.dragged = false;
      this.fingers.set(event.pointerId, {
        x: event.clientX,
        y: event.clientY,
        startX: event.clientX,
        startY: event.clientY,
      });
    });
    surface.addEventListener("pointermove", (event) => {
      const finger = this.fingers.get(event.pointerId);
      if (!finger) return;
      const other = [...this.fingers].find(([pointer]) => pointer !== event.pointerId)?.[1];
      const before = { ...finger };
      Object.assign(finger, { x: event.clientX, y: event.clientY });
      if (other) {
        const { left, top } = surface.getBoundingClientRect();
        const spread = (a) => Math.max(Math.hypot(a.x - other.x, a.y - other.y), 10);
        this.dragged = true;
        this.zoomAt(
          spread(finger) / spread(before),
          (finger.x + other.x) / 2 - left,
          (finger.y + other.y) / 2 - top,
        );
        this.moveTo(this.x + (finger.x - before.x) / 2, this.y + (finger.y - before.y) / 2);
      } else if (event.pointerType === "touch" && !canvas.matches(".live.larger")) {
        // a lone finger scrolls the page
      } else if (
        this.dragged ||
        Math.hypot(finger.x - finger.startX, finger.y - finger.startY) > CLICK_SLOP
      ) {
        if (!this.dragged) {
          this.dragged = true;
          surface.setPointerCapture(event.pointerId);
          canvas.classList.add("dragging");
          this.point(null);
        }
        this.moveTo(this.x + finger.x - before.x, this.y + finger.y - before.y);
      }
    });
    // A tap beside the graph gives one finger back to the page; not every browser moves the focus on its own.
    const beside = (event) => {
      if (!this.host.isConnected) document.removeEventListener("pointerdown", beside);
      else if (canvas.classList.contains("live") && !event.composedPath().includes(canvas))
        this.host.getRootNode().activeElement?.blur();
    };
    document.addEventListener("pointerdown", beside);
    const lift = (event) => {
      this.fingers.delete(event.pointerId);
      canvas.classList.remove("dragging");
    };
    surface.addEventListener("pointerup", lift);
    surface.addEventListener("pointercancel", lift);
    surface.addEventListener("lostpointercapture", lift);
  }

  listenToMinimap() {
    const go = (event) => {
      const { left, top } = this.minimap.getBoundingClientRect();
      const x = (event.clientX - left) / this.map.across,
        y = (event.clientY - top) / this.map.down;
      const { width, height } = this.room();
      this.moveTo(width / 2 - x * this.zoom, height / 2 - y * this.zoom);
    };
    this.minimap.addEventListener("pointerdown", (event) => {
      this.minimap.setPointerCapture(event.pointerId);
      go(event);
      event.preventDefault();
    });
    this.minimap.addEventListener("pointermove", (event) => {
      if (event.buttons) go(event);
    });
  }
}

// legend and details

function kindLegend(present) {
  return Object.keys(KINDS)
    .filter((kind) => present.has(kind))
    .map((kind) => ({
      text: KINDS[kind],
      size: 18,
      swatch: svg(
        "g",
        { class: `node ${kind}` },
        svg("rect", { class: "face", x: 1, y: 1, width: 16, height: 14, rx: 3 }),
        svg("rect", { class: "tab", x: 1, y: 1, width: 6, height: 14, rx: 2 }),
      ),
    }));
}

function heatLegend(metric, most) {
  const width = 168;
  const ramp = svg(
    "g",
    {},
    ...Array.from({ length: HEAT_STEPS }, (_, i) =>
      svg("rect", {
        x: (i * width) / HEAT_STEPS,
        width: width / HEAT_STEPS + 0.3,
        height: 14,
        style: `fill:${heatColour((i + 0.5) / HEAT_STEPS)}`,
      }),
    ),
  );
  return [
    {
      text: `0 to ${short(most)} ${METRICS[metric]} per box; the middle is ${short(Math.round(most / 4))}`,
      size: width,
      swatch: ramp,
    },
  ];
}

function markLegend() {
  return Object.entries(MARKS).map(([mark, { text }]) => {
    const box = svg(
      "g",
      { class: `node mark ${mark}` },
      svg("rect", { class: "face", x: 2, y: 2, width: 26, height: 12, rx: 3 }),
      signOf(mark, 8, 8),
    );
    return { text, size: 30, swatch: svg("g", { class: "marked" }, box) };
  });
}

function shortcutEntry() {
  return {
    text: "shortcut past layers",
    size: 26,
    swatch: svg(
      "g",
      {},
      svg("path", { class: "edge skip", d: "M1 3q0 5 5 5H18" }),
      svg("path", { class: "arrow skip", d: "M25 8l-7 -4v8z" }),
    ),
  };
}

function detailsOf(model, item, mark) {
  const html = (tag, className, text) =>
    Object.assign(document.createElement(tag), { className, textContent: text });
  const exact = (value) => (value == null ? "not counted" : value.toLocaleString("en"));
  const rows = item.isGroup
    ? [
        ["Block", item.cls],
        item.repeat > 1 ? ["Repeated", `×${item.repeat}`] : null,
        ["Operations", exact(item.kinds.length)],
      ]
    : [["Kind", KINDS[item.kind]]];
  rows.push(
    ["Output", shapeText(item.shape)],
    ["Parameters", exact(item.params)],
    ["MACs", exact(item.macs)],
    ["Activation values", exact(item.activations)],
  );
  if (item.rf) rows.push(["Receptive field", item.rf]);
  if (mark) rows.push(["Against the other network", MARKS[mark].text]);
  const list = document.createElement("dl");
  for (const [name, value] of rows.filter(Boolean)) list.append(html("dt", "", name), html("dd", "", value));
  return [
    html("strong", "", item.title ? `${item.title} ${item.subtitle}` : item.label),
    html("div", "path", item.id),
    list,
    item.formula ? html("p", "formula", item.formula) : "",
  ];
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".layer-graph");
  host.view ??= new View(host);
  host.view.send = setStateValue;
  host.view.receive(data);
  return () => host.view.leave();
}
