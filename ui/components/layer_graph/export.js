// The graph as a file that needs nothing else: every style resolved and written on its element.

const EXPORT_PAD = 24,
  EXPORT_HEAD = 44,
  EXPORT_FOOT = 40,
  LEGEND_ROW = 24,
  TITLE_PX = 20;
const PNG_SCALE = 2,
  PNG_MAX_SIDE = 16000,
  PNG_MAX_AREA = 120e6; // beyond these, browsers give an empty canvas
const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "stroke-linecap",
  "paint-order",
  "opacity",
  "font-size",
  "font-weight",
  "text-anchor",
];
const COLOURS = new Set(["fill", "stroke"]);
const DEFAULTS = {
  "fill-opacity": "1",
  "stroke-dasharray": "none",
  "stroke-linejoin": "miter",
  "stroke-linecap": "butt",
  "paint-order": "normal",
  opacity: "1",
  "text-anchor": "start",
};

/** {out, width, height}: an <svg> element with title, graph and legend; `legend` is a list of {text, swatch, size}. */
function exportSvg(scene, placed, title, legend, font) {
  for (const entry of legend) entry.width = entry.size + 8 + measureText(entry.text) + 20;
  const widest = Math.max(
    ...legend.map((entry) => entry.width),
    measureText(title, true) * (TITLE_PX / TEXT_PX),
  );
  const width = Math.max(placed.width, widest, 360) + 2 * EXPORT_PAD;
  const rows = legendRows(legend, width - 2 * EXPORT_PAD);
  const bottom = EXPORT_HEAD + placed.height;
  const height = bottom + EXPORT_FOOT + LEGEND_ROW * rows.length;
  const before = svg(
    "g",
    {},
    svg("rect", { width, height, style: "fill:var(--paper)" }),
    svg("text", { x: EXPORT_PAD, y: 30, class: "title", style: `font-size:${TITLE_PX}px` }, title),
  );
  const after = svg("g");
  rows.forEach((row, r) => {
    let x = EXPORT_PAD;
    const y = bottom + 18 + LEGEND_ROW * r;
    for (const entry of row) {
      const swatch = svg("g", { transform: `translate(${x} ${y})` }, entry.swatch.cloneNode(true));
      after.append(swatch, svg("text", { x: x + entry.size + 8, y: y + 12 }, entry.text));
      x += entry.width;
    }
  });
  // Styles resolve only where the stylesheet reaches: title and legend stand unseen beside the scene for a moment.
  const stage = svg("g", { visibility: "hidden" }, before, after);
  scene.parentNode.append(stage);
  const graph = svg("g", { transform: `translate(${(width - placed.width) / 2} ${EXPORT_HEAD})` });
  for (const child of scene.childNodes) {
    if (!child.classList.contains("spots")) graph.append(resolved(child, font));
  }
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const out = svg("svg", { xmlns: SVG_NS, ...size, role: "img" }, svg("title", {}, title));
  out.append(resolved(before, font), graph, resolved(after, font));
  stage.remove();
  return { out, width, height };
}

function legendRows(legend, width) {
  const rows = [[]];
  let used = 0;
  for (const entry of legend) {
    if (used && used + entry.width > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push(entry);
    used += entry.width;
  }
  return rows;
}

function resolved(element, font) {
  if (element.nodeType !== Node.ELEMENT_NODE) return element.cloneNode();
  if (element.classList.contains("toggle")) return svg("g");
  const style = getComputedStyle(element);
  const copy = svg(element.tagName);
  for (const { name, value } of element.attributes) {
    if (["x", "y", "width", "height", "rx", "d", "r", "transform"].includes(name))
      copy.setAttribute(name, value);
  }
  if (style.display === "none" && element.tagName !== "text") return svg("g"); // small print hidden when zoomed out is kept
  if (element.tagName !== "g") {
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value && value !== DEFAULTS[name])
        copy.setAttribute(name, COLOURS.has(name) ? plainColour(value) : value);
    }
  }
  if (element.tagName === "text") {
    copy.setAttribute("font-family", font);
    // In another font the words keep the place that they were laid out for.
    const bold = Number(style.fontWeight) > 500,
      size = parseFloat(style.fontSize) / TEXT_PX;
    copy.setAttribute("textLength", (measureText(element.textContent, bold) * size).toFixed(1));
    copy.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
  copy.append(...[...element.childNodes].map((child) => resolved(child, font)));
  return copy;
}

const plain = { context: null, seen: new Map() };

/** Any CSS colour as rgba(): drawing programs know neither color-mix() nor light-dark(). */
function plainColour(colour) {
  if (colour === "none" || colour.startsWith("rgb(")) return colour;
  if (!plain.seen.has(colour)) {
    if (!plain.context) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
      plain.context = canvas.getContext("2d", { willReadFrequently: true });
    }
    plain.context.clearRect(0, 0, 1, 1);
    plain.context.fillStyle = colour;
    plain.context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = plain.context.getImageData(0, 0, 1, 1).data;
    plain.seen.set(colour, a === 0 ? "none" : `rgba(${r}, ${g}, ${b}, ${(a / 255).toFixed(3)})`);
  }
  return plain.seen.get(colour);
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const svgBlob = (element) =>
  new Blob([new XMLSerializer().serializeToString(element)], { type: "image/svg+xml" });

async function pngBlob({ out, width, height }) {
  const scale = Math.min(
    PNG_SCALE,
    PNG_MAX_SIDE / Math.max(width, height),
    Math.sqrt(PNG_MAX_AREA / (width * height)),
  );
  const url = URL.createObjectURL(svgBlob(out));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(width * scale),
      height: Math.round(height * scale),
    });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** "ResNet-50 (v1.5)" -> "resnet-50-v1-5.svg". */
function fileName(title, ending) {
  const words = title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["layers"];
  return `${words.join("-")}.${ending}`;
}
