// The component: one Places per host element. Streamlit calls the default export again after every run of the page, so
// the place that the reader has moved to lives here.

const TELL_MS = 120; // without movement, after which the page hears of a place again
const FAR = 4; // places that an arrow key goes with Shift

class Places {
  constructor(host) {
    this.host = host;
    this.told = []; // places that the page was told of and has not shown yet
    host.addEventListener("pointerdown", (event) => this.follow(event));
    host.addEventListener("pointermove", (event) => event.buttons && this.follow(event));
    host.addEventListener("keydown", (event) => this.walk(event));
  }

  receive({ panels, side, at }) {
    const answered = this.told.findIndex((place) => same(place, at));
    if (answered >= 0) this.told.splice(0, answered + 1);
    // A place that nobody here has asked for comes from the address.
    else if (!this.shown || !same(this.shown, at)) this.told = [], this.at = at;
    this.at ??= at;
    this.shown = at;
    this.side = side;
    const list = this.host.querySelector(".panels");
    while (list.children.length > panels.length) list.lastChild.remove();
    while (list.children.length < panels.length) list.append(this.panel());
    panels.forEach((panel, index) => this.fill(list.children[index], panel));
    this.draw();
  }

  panel() {
    const figure = element("figure", "panel");
    const view = element("div", "view");
    Object.assign(view, { tabIndex: 0 });
    view.setAttribute("role", "application");
    view.append(Object.assign(element("img", ""), { alt: "", draggable: false }), element("i", ""));
    const numbers = element("dl", "");
    for (const name of ["can", "does"]) {
      const pair = element("div", name);
      pair.append(element("dt", "", name === "can" ? "can be seen" : ""), element("dd", ""));
      numbers.append(pair);
    }
    figure.append(element("figcaption", ""), element("p", "layer"), view, numbers, element("p", "note"));
    return figure;
  }

  fill(figure, panel) {
    const put = (selector, text) => {
      const node = figure.querySelector(selector);
      if (node.textContent !== text) node.textContent = text;
    };
    put("figcaption", panel.title);
    put(".layer", panel.layer);
    put(".can dd", panel.can);
    put(".does dt", `holds 90 % of the ${panel.by}`);
    put(".does dd", panel.does);
    put(".note", panel.note);
    const picture = figure.querySelector("img");
    if (panel.picture && picture.src !== panel.picture) picture.src = panel.picture;
    picture.hidden = !panel.picture;
    figure.querySelector(".view").setAttribute("aria-label", `${panel.title}. Choose a place: click, or move it by the arrow keys, with Shift in larger steps. ${panel.layer} ${panel.can} of the picture can be seen; ${panel.does} holds 90 % of the ${panel.by}.`);
  }

  draw() {
    const [row, column] = this.at;
    for (const mark of this.host.querySelectorAll(".view i")) Object.assign(mark.style, { top: `${100 * middle(row, this.side)}%`, left: `${100 * middle(column, this.side)}%` });
    const words = `Row ${row + 1}, column ${column + 1} of ${this.side} × ${this.side} places.`;
    const where = this.host.querySelector(".where");
    if (where.textContent !== words) where.textContent = words;
    this.host.classList.toggle("waiting", !same(this.at, this.shown));
  }

  follow(event) {
    const view = event.target.closest(".view");
    if (!view) return;
    const box = view.getBoundingClientRect();
    this.choose([cellAt((event.clientY - box.top) / box.height, this.side), cellAt((event.clientX - box.left) / box.width, this.side)]);
  }

  walk(event) {
    if (!event.target.closest(".view") || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = stepped(this.at, event.key, this.side, event.shiftKey ? FAR : 1);
    if (!place) return;
    event.preventDefault();
    this.choose(place);
  }

  choose(place) {
    if (same(place, this.at)) return;
    this.at = place;
    this.draw();
    clearTimeout(this.telling);
    // The first of a walk or a drag at once, then the one at which it comes to rest.
    const rests = performance.now() - (this.chosen ?? -TELL_MS) >= TELL_MS;
    this.chosen = performance.now();
    const tell = () => {
      this.told.push(place);
      this.send("at", place);
    };
    if (rests) tell();
    else this.telling = setTimeout(tell, TELL_MS);
  }
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".one-place");
  host.places ??= new Places(host);
  host.places.send = setStateValue;
  host.places.receive(data);
}
