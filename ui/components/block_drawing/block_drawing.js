// The component: one View per host element. Streamlit calls the default export again after every run of the page.
// Elements live as long as their operation does, so that shapes glide to their new place.

const SVG_NS = "http://www.w3.org/2000/svg";
const FULL = 384; // channels that fill the width; where a block has more, these do
const BAR = 4; // height of a bar of cost
const BETWEEN = 10; // between a label and its value
const FAINTEST = 0.12; // of an operation that costs nothing
const HINT = "Point at an operation, or reach the drawing with Tab and walk with the arrow keys, to read what it does and costs.";
const SAVED = { width: 560, gap: 40, pad: 24, head: 118 };

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG_NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function html(tag, className, ...children) {
  const element = Object.assign(document.createElement(tag), { className });
  element.append(...children);
  return element;
}

/** One block: its heading, and a row for each operation. */
class Panel {
  constructor(view) {
    this.view = view;
    this.title = html("h3", "");
    this.shapes = html("p", "shapes");
    this.amount = html("strong", "");
    this.unit = html("span", "");
    this.parts = html("p", "parts");
    this.spine = svg("path", { class: "spine" });
    this.around = svg("path", { class: "around" });
    this.list = svg("g", { role: "presentation" });
    this.picture = svg("svg", { role: "listbox" }, this.spine, this.around, this.list);
    this.room = html("div", "room", this.picture);
    this.element = html(
      "section",
      "side",
      this.title,
      this.shapes,
      html("p", "total", this.amount, " ", this.unit),
      this.parts,
      this.room,
    );
    this.rows = new Map();
    this.focus = null; // the row that Tab goes to
    this.picture.addEventListener("keydown", (event) => this.walk(event));
  }

  show(side, scale, colours) {
    Object.assign(this, { side, scale, colours });
    this.title.textContent = side.title;
    this.shapes.textContent = side.shapes;
    this.amount.textContent = side.amount;
    this.unit.textContent = side.unit;
    this.parts.textContent = side.parts;
    this.picture.setAttribute("aria-label", `Operations of ${side.title}, from input to output`);
    this.draw();
  }

  draw(width = this.room.clientWidth) {
    if (!width || !this.side) return;
    const placed = place(this.side, { width, ...this.scale });
    this.picture.setAttribute("width", width);
    this.picture.setAttribute("height", placed.height);
    this.spine.setAttribute("d", placed.spine);
    this.around.setAttribute("d", placed.shortcut || "M0 0");
    this.around.setAttribute("visibility", placed.shortcut ? "visible" : "hidden");
    const known = new Set(this.side.rows.map((row) => row.id));
    for (const [id, row] of this.rows) {
      if (known.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    if (!known.has(this.focus)) this.focus = this.side.rows[0].id;
    let before = null;
    for (const row of this.side.rows) {
      if (!this.rows.has(row.id)) this.rows.set(row.id, this.make(row.id));
      const parts = this.rows.get(row.id);
      const next = before ? before.nextSibling : this.list.firstChild;
      if (next !== parts.element) this.list.insertBefore(parts.element, next);
      this.fill(parts, row, placed, width);
      before = parts.element;
    }
    this.fit(placed.words.width);
  }

  /** Where words do not fit their line, the share goes first, then they are set smaller. All is read, then written. */
  fit(room) {
    const rows = [...this.rows.values()];
    const lengths = rows.map(({ label, value, share, product }) =>
      [label, value, share, product].map((text) => (text.textContent ? text.getComputedTextLength() : 0)),
    );
    rows.forEach((parts, i) => {
      const [label, value, share, product] = lengths[i];
      const crowded = label + value + BETWEEN > room;
      if (crowded) parts.share.textContent = "";
      const left = room - BETWEEN - (crowded ? value - share : value);
      if (label > left) parts.label.setAttribute("textLength", Math.max(left, 20).toFixed(1));
      else parts.label.removeAttribute("textLength");
      if (product > room) parts.product.setAttribute("textLength", room.toFixed(1));
      else parts.product.removeAttribute("textLength");
    });
  }

  make(id) {
    const parts = {
      touch: svg("rect", { class: "touch", rx: 6, x: 0, y: 0 }),
      ground: svg("path", { class: "ground" }),
      shape: svg("path", { class: "shape" }),
      label: svg("text", { class: "label", x: 0, lengthAdjust: "spacingAndGlyphs" }),
      value: svg("text", { class: "value" }),
      share: svg("tspan"),
      product: svg("text", { class: "product", x: 0, lengthAdjust: "spacingAndGlyphs" }),
      bar: svg("rect", { class: "bar", x: 0, height: BAR, rx: BAR / 2 }),
    };
    parts.words = svg("g", { class: "row-words" }, parts.label, parts.value, parts.product, parts.bar);
    parts.element = svg("g", { role: "option", "data-id": id }, parts.touch, parts.ground, parts.shape, parts.words);
    if (id === "add") {
      parts.plus = svg("path", { class: "plus", d: "M-4.5 0H4.5M0 -4.5V4.5" });
      parts.element.append(parts.plus);
    }
    parts.element.addEventListener("pointerenter", () => this.view.choose(this, id));
    parts.element.addEventListener("focus", () => this.view.choose(this, id));
    parts.element.addEventListener("click", () => parts.element.focus());
    return parts;
  }

  fill(parts, row, placed, width) {
    const { y, h, d } = placed.rows.get(row.id);
    const colour = this.colours[row.kind] ?? "transparent";
    const tall = isTall(row);
    parts.element.setAttribute("class", tall ? "tall" : "thin");
    parts.element.setAttribute("aria-label", `${row.label}. ${row.explain}`);
    parts.element.setAttribute("tabindex", row.id === this.focus ? 0 : -1);
    parts.touch.setAttribute("width", width);
    parts.touch.setAttribute("height", h);
    parts.touch.setAttribute("transform", `translate(0 ${y})`);
    parts.ground.setAttribute("d", d);
    parts.shape.setAttribute("d", d);
    const solid = row.kind === "input" || row.id === "add" ? 1 : FAINTEST + (1 - FAINTEST) * Math.sqrt(row.bar);
    parts.shape.setAttribute("fill-opacity", solid.toFixed(3));
    parts.shape.setAttribute("fill", colour);
    parts.shape.setAttribute("stroke", colour);
    parts.plus?.setAttribute("transform", `translate(${shapeCentre(d)} ${y + h / 2})`);
    parts.words.setAttribute("transform", `translate(${placed.words.x} ${y})`);
    const line = tall ? 20 : h / 2 + 4;
    parts.label.setAttribute("y", line);
    parts.value.setAttribute("y", line);
    parts.value.setAttribute("x", placed.words.width);
    parts.product.setAttribute("y", 38);
    parts.label.textContent = row.label;
    parts.share.textContent = row.share && ` · ${row.share}`;
    parts.value.replaceChildren(row.value, parts.share);
    parts.label.removeAttribute("textLength");
    parts.product.removeAttribute("textLength");
    parts.product.textContent = row.product;
    parts.bar.setAttribute("y", h - BAR - 2);
    parts.bar.setAttribute("width", Math.max(0, row.bar * placed.words.width).toFixed(2));
    parts.bar.setAttribute("fill", colour);
  }

  walk(event) {
    const ids = this.side.rows.map((row) => row.id);
    const at = ids.indexOf(this.focus);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: ids.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const id = ids[Math.max(0, Math.min(ids.length - 1, to))];
    this.rows.get(id).element.focus();
  }
}

/** The middle of the disc: its outline begins at its left. */
const shapeCentre = (d) => Number(d.slice(1).split(" ")[0]) + 9;

class View {
  constructor(host) {
    this.host = host;
    this.panels = [new Panel(this), new Panel(this)];
    host.querySelector(".sides").append(...this.panels.map((panel) => panel.element));
    this.details = host.querySelector(".details");
    host.querySelector(".save").addEventListener("click", () => this.save());
    this.chosen = null; // {panel, id}
    new ResizeObserver(() => {
      host.classList.remove("glides"); // a new room is no change of the block
      for (const panel of this.panels) panel.draw();
      requestAnimationFrame(() => requestAnimationFrame(() => host.classList.add("glides")));
    }).observe(host.querySelector(".sides"));
  }

  receive(data) {
    this.data = data;
    const rows = data.sides.flatMap((side) => side.rows);
    const scale = {
      most: Math.max(FULL, ...rows.flatMap((row) => [row.cin, row.cout])),
      largest: Math.max(...rows.map((row) => row.size)),
    };
    data.sides.forEach((side, i) => this.panels[i].show(side, scale, data.colours));
    this.tell();
    this.host.dataset.shown = data.rev;
  }

  choose(panel, id) {
    this.chosen = { panel, id };
    panel.focus = id;
    for (const each of this.panels) {
      for (const [other, { element }] of each.rows) {
        const selected = each === panel && other === id;
        element.setAttribute("aria-selected", selected);
        if (each === panel) element.setAttribute("tabindex", selected ? 0 : -1);
      }
    }
    this.tell();
  }

  tell() {
    const row = this.chosen?.panel.side.rows.find(({ id }) => id === this.chosen.id);
    this.details.classList.toggle("chosen", Boolean(row));
    this.details.replaceChildren(
      ...(row ? [html("strong", "", `${this.chosen.panel.side.title}, ${row.label}. `), row.explain] : [HINT]),
    );
  }

  /** Both blocks as one file, at a size of its own. */
  save() {
    const { width, gap, pad, head } = SAVED;
    const style = getComputedStyle(this.host);
    const stage = html("div", "");
    stage.style.cssText = "position:absolute;visibility:hidden;width:0;height:0;overflow:hidden";
    this.host.append(stage);
    const copies = this.panels.map(({ side, scale, colours }) => {
      const panel = new Panel(this);
      stage.append(panel.picture);
      Object.assign(panel, { side, scale, colours });
      panel.draw(width);
      return panel;
    });
    const height = Math.max(...copies.map((panel) => Number(panel.picture.getAttribute("height"))));
    const size = { width: 2 * width + gap + 2 * pad, height: height + head + 2 * pad };
    const ink = plainColour(style.color);
    const out = svg(
      "svg",
      { xmlns: SVG_NS, ...size, viewBox: `0 0 ${size.width} ${size.height}`, "font-family": style.fontFamily, fill: ink },
      svg("title", {}, copies.map(({ side }) => side.title).join(" and ")),
      svg("rect", { ...size, fill: plainColour(style.getPropertyValue("--st-background-color") || "#fff") }),
    );
    copies.forEach((panel, i) => {
      const { side } = panel;
      const heading = svg(
        "g",
        {},
        svg("text", { y: 24, "font-size": 23, "font-weight": 600 }, side.title),
        svg("text", { y: 46, "font-size": 15 }, side.shapes),
        svg("text", { y: 76, "font-size": 24, "font-weight": 600 }, `${side.amount} ${side.unit}`),
        svg("text", { y: 98, "font-size": 14 }, side.parts),
      );
      const body = svg("g", { transform: `translate(0 ${head})` });
      for (const child of panel.picture.children) body.append(resolved(child));
      out.append(svg("g", { transform: `translate(${pad + i * (width + gap)} ${pad})` }, heading, body));
    });
    stage.remove();
    const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(out)], { type: "image/svg+xml" }));
    Object.assign(document.createElement("a"), { href: url, download: "zoolens-blocks.svg" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

const GEOMETRY = ["d", "x", "y", "width", "height", "rx", "transform", "fill-opacity", "visibility", "textLength", "lengthAdjust"];
const STYLES = ["fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "font-size", "font-weight", "text-anchor"];

/** A copy that needs no stylesheet. */
function resolved(element) {
  if (element.nodeType !== Node.ELEMENT_NODE) return element.cloneNode();
  if (element.classList.contains("touch")) return svg("g");
  const copy = svg(element.tagName);
  for (const name of GEOMETRY) if (element.hasAttribute(name)) copy.setAttribute(name, element.getAttribute(name));
  if (element.tagName !== "g") {
    const style = getComputedStyle(element);
    for (const name of STYLES) copy.setAttribute(name, plainColour(style.getPropertyValue(name)));
  }
  copy.append(...[...element.childNodes].map(resolved));
  return copy;
}

/** A CSS colour as rgb(): drawing programs know neither color-mix() nor light-dark(). Other values as they are. */
function plainColour(value) {
  if (!value.startsWith("color")) return value;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d");
  context.fillStyle = value;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${r}, ${g}, ${b})`;
}

export default function ({ data, parentElement }) {
  const host = parentElement.querySelector(".block-drawing");
  host.view ??= new View(host);
  host.view.receive(data);
}
