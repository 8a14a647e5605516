// Draws one layout as SVG. Labels come from data, so everything is made with createElementNS and textContent.

const SVG_NS = "http://www.w3.org/2000/svg";

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG_NS, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null)
      element.setAttribute(name, typeof value === "number" ? Math.round(value * 100) / 100 : value);
  }
  element.append(...children);
  return element;
}

const BARCODE_MAX = 48; // up to here every operation of a closed group is one stripe; above, one stripe per kind

/** How much of a bar each run of operations takes: [[kind, start, end]], 0..1, in execution order. */
function stripes(kinds) {
  const ordered =
    kinds.length <= BARCODE_MAX
      ? kinds
      : Object.keys(KINDS).flatMap((kind) => kinds.filter((each) => each === kind));
  const runs = [];
  ordered.forEach((kind, i) => {
    if (kinds.length > BARCODE_MAX && runs.at(-1)?.[0] === kind) runs.at(-1)[2] = (i + 1) / ordered.length;
    else runs.push([kind, i / ordered.length, (i + 1) / ordered.length]);
  });
  return runs;
}

/** Darker is dearer: 0..1 on a square-root scale, so that small costs stay apart; null where nothing was counted. */
function heatOf(item, metric, most) {
  if (item[metric] == null) return null;
  return most > 0 ? Math.sqrt(item[metric] / most) : 0;
}

function heatColour(heat) {
  const [low, high, part] =
    heat < 0.5 ? ["--heat-0", "--heat-1", heat * 2] : ["--heat-1", "--heat-2", heat * 2 - 1];
  return `color-mix(in srgb, var(${high}) ${Math.round(part * 100)}%, var(${low}))`;
}

function describe(item, isOpen, mark) {
  const facts = item.isGroup
    ? [
        `${item.title} ${item.subtitle}`.trim(),
        item.repeat > 1 ? `${item.repeat} times` : null,
        `${short(item.params)} parameters`,
      ]
    : [item.label, KINDS[item.kind], item.params ? `${short(item.params)} parameters` : null];
  const size = item.shape?.length ? `output ${item.shape.join(" by ")}` : null;
  return [...facts, size, mark ? MARKS[mark].text : null, item.isGroup ? (isOpen ? "open" : "closed") : null]
    .filter(Boolean)
    .join(", ");
}

/** The sign of a mark in a disc around (x, y): told apart without its colour. */
function signOf(mark, x, y) {
  return svg(
    "g",
    { class: "sign", transform: `translate(${x} ${y})`, "aria-hidden": "true" },
    svg("circle", { r: 7.5 }),
    svg("text", { y: 4.2, "text-anchor": "middle" }, MARKS[mark].sign),
  );
}

/**
 * -> {root, elements: id -> <g>}. `colouring` null colours by kind, "difference" by `marks` (id -> mark),
 * otherwise by the cost `metric` up to `most`. Marks are told in words whatever the colours say.
 */
function drawScene(model, open, placed, { colouring, metric, most, marks }) {
  const root = document.createDocumentFragment();
  const elements = new Map();
  const linksOf = new Map();
  for (const link of placed.links) {
    if (!linksOf.has(link.group)) linksOf.set(link.group, []);
    linksOf.get(link.group).push(link);
  }
  drawInside("", 1);
  return { root, elements };

  function drawInside(group, level) {
    drawLinks(linksOf.get(group) ?? []);
    const ids = model.children.get(group);
    ids.forEach((id, i) => {
      const item = model.items.get(id),
        box = placed.boxes.get(id),
        isOpen = open.has(id);
      const element = svg("g", {
        class: item.isGroup
          ? `item group${isOpen ? " open" : ""}${level % 2 ? "" : " even"}`
          : `item node ${item.kind}`,
        transform: `translate(${box.x} ${box.y})`,
        "data-id": id,
        tabindex: -1,
        role: "treeitem",
        "aria-label": describe(item, isOpen, marks?.[id]),
        "aria-level": level,
        "aria-posinset": i + 1,
        "aria-setsize": ids.length,
        "aria-selected": "false",
        "aria-expanded": item.isGroup ? String(isOpen) : null,
      });
      if (item.isGroup) drawGroup(element, item, box, isOpen);
      else drawNode(element, item, box);
      if (colouring === "difference") {
        element.classList.add("mark", marks[id]);
        element.append(signOf(marks[id], 2, 3));
      }
      elements.set(id, element);
      root.append(element);
      if (box.label) root.append(sizeLabel(box.label.x, box.label.y, shapeText(item.shape), level));
      if (isOpen) drawInside(id, level + 1);
    });
  }

  function drawLinks(links) {
    const d = { plain: "", skip: "", arrows: "", skipArrows: "", dots: "" };
    for (const link of links) {
      d[link.skip ? "skip" : "plain"] += link.d;
      d[link.skip ? "skipArrows" : "arrows"] += arrowHead(link.arrow);
      if (link.dot) d.dots += `M${link.dot.x - 2.6} ${link.dot.y}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0z`;
    }
    if (d.plain)
      root.append(svg("path", { class: "edge", d: d.plain }), svg("path", { class: "arrow", d: d.arrows }));
    if (d.skip)
      root.append(
        svg("path", { class: "edge skip", d: d.skip }),
        svg("path", { class: "arrow skip", d: d.skipArrows + d.dots }),
      );
  }

  function paint(rect, element, item) {
    if (!metric) return;
    const heat = heatOf(item, metric, most);
    if (heat == null) return element.classList.add("uncounted");
    rect.style.fill = heatColour(heat);
    if (heat > 0.6) element.classList.add("warm");
    if (heat > 0.72) element.classList.add("hot");
  }

  function drawNode(element, item, { w, h }) {
    const rect = svg("rect", { class: "face", width: w, height: h, rx: 7 });
    paint(rect, element, item);
    element.append(
      rect,
      svg("path", { class: "tab", d: `M7 0H6a6 6 0 0 0 -6 6V${h - 6}a6 6 0 0 0 6 6H7z` }),
      svg(
        "text",
        { class: "name", x: (w + 6) / 2, y: h / 2 + 4.5, "text-anchor": "middle" },
        clip(item.label),
      ),
    );
  }

  function drawGroup(element, item, box, isOpen) {
    const behind = !isOpen && item.repeat > 1 ? 2 * STACK : 0;
    const w = box.w - behind,
      h = box.h - behind;
    for (let offset = behind; offset > 0; offset -= STACK) {
      element.append(svg("rect", { class: "card", x: offset, y: offset, width: w, height: h, rx: 9 }));
    }
    const face = svg("rect", { class: "face", width: w, height: h, rx: 9 });
    if (!isOpen) paint(face, element, item);
    element.append(face);
    if (isOpen)
      element.append(
        svg("path", { class: "bar", d: `M9 0H${w - 9}a9 9 0 0 1 9 9V${HEADER}H0V9a9 9 0 0 1 9 -9z` }),
      );
    const title = clip(item.title);
    element.append(svg("text", { class: "title", x: 12, y: 20 }, title));
    if (item.subtitle) {
      element.append(
        svg("text", { class: "cls", x: 19 + measureText(title, true), y: 20 }, clip(item.subtitle)),
      );
    }
    if (item.repeat > 1) {
      const text = `×${item.repeat}`,
        width = measureText(text, true) + 12;
      element.append(
        svg("rect", { class: "badge", x: w - 34 - width, y: 6.5, width, height: 18, rx: 9 }),
        svg("text", { class: "times", x: w - 34 - width / 2, y: 20, "text-anchor": "middle" }, text),
      );
    }
    element.append(
      svg(
        "g",
        { class: "toggle", transform: `translate(${w - 16} 15)`, "aria-hidden": "true" },
        svg("rect", { class: "hit", x: -16, y: -16, width: 32, height: 32 }),
        svg("circle", { r: 8.5 }),
        svg("path", { d: isOpen ? "M-4 0H4" : "M-4 0H4M0 -4V4" }),
      ),
    );
    if (isOpen) return;
    const shown = metric ?? "params",
      cost = short(item[shown]);
    element.append(
      svg("text", { class: "cost", x: 12, y: 37 }, item[shown] == null ? cost : `${cost} ${METRICS[shown]}`),
    );
    const width = w - 24,
      bars = new Map();
    const kinds = item.kinds.slice(0, item.kinds.length / item.repeat); // of a repeat, one round
    for (const [kind, from, to] of stripes(kinds)) {
      const gap = kinds.length <= BARCODE_MAX / 2 ? 1 : 0;
      bars.set(
        kind,
        `${bars.get(kind) ?? ""}M${12 + from * width} ${h - 10}H${12 + to * width - gap}v5H${12 + from * width}z`,
      );
    }
    for (const [kind, d] of bars) element.append(svg("path", { class: `stripe ${kind}`, d }));
  }
}

function arrowHead(arrow) {
  if (!arrow) return "";
  return arrow.sideways ? `M${arrow.x} ${arrow.y}l6 -3.6v7.2z` : `M${arrow.x} ${arrow.y}l-3.6 -6h7.2z`;
}

/** `level` says on which ground the text stands, for its halo. */
function sizeLabel(x, y, text, level = 1) {
  return svg(
    "text",
    { class: `size${level === 1 ? "" : level % 2 ? " even" : " odd"}`, x, y: y + 4, "text-anchor": "middle" },
    text,
  );
}

const TEXT_PX = 13; // as in layer_graph.css
const ruler = { context: null, font: "", widths: new Map() };

/** Width of a label in the graph's own font. */
function measureText(text, bold = false) {
  const key = `${bold} ${text}`;
  if (!ruler.widths.has(key)) {
    ruler.context ??= document.createElement("canvas").getContext("2d");
    ruler.context.font = `${bold ? 650 : 450} ${TEXT_PX}px ${ruler.font}`;
    ruler.widths.set(key, ruler.context.measureText(text).width);
  }
  return ruler.widths.get(key);
}
