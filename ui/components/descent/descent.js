// The component: one Descent per host element. Streamlit calls the default export again after every run of the page.

const SVG = "http://www.w3.org/2000/svg";

class Descent extends Player {
  constructor(host) {
    super(host);
    this.film = this.find(".film");
    this.bench = this.find(".bench");
    this.film.addEventListener("click", (event) => {
      const frame = event.target.closest("button");
      if (frame) this.move([...this.film.children].indexOf(frame));
    });
    new ResizeObserver(() => this.steps && this.arrows()).observe(this.bench);
  }

  load({ steps }) {
    this.steps = steps;
    this.film.replaceChildren(
      ...steps.map(({ label, after, words }, number) => {
        const frame = element("button", "");
        frame.type = "button";
        frame.setAttribute("aria-label", `Step ${number + 1}: ${label}`);
        frame.title = words;
        frame.append(after.maps.length ? picture(after.maps[0].src, "") : element("i", ""), element("span", "", label));
        return frame;
      }),
    );
    return { steps: steps.length, stages: [] };
  }

  draw() {
    const now = this.steps[this.step];
    [...this.film.children].forEach((frame, number) => {
      if (number === this.step) frame.setAttribute("aria-current", "step");
      else frame.removeAttribute("aria-current");
      frame.classList.toggle("later", number > this.step);
    });
    if (this.drawn !== now) {
      this.drawn = now;
      this.bench.replaceChildren(line(now.before), operation(now), line(now.after));
    }
    this.arrows();
    return { words: now.words };
  }

  /** From numbers of the upper maps to their places in the lower ones: shares of the pictures. */
  arrows() {
    this.bench.querySelector(".links")?.remove();
    const { links } = this.steps[this.step];
    if (!links.length || !this.bench.offsetWidth) return;
    const origin = this.bench.getBoundingClientRect();
    const zoom = origin.width / this.bench.offsetWidth;
    const [upper, lower] = [...this.bench.querySelectorAll(".line:not(.op)")].map((row) => row.querySelectorAll("img"));
    const place = (image, [y, x]) => {
      const box = image.getBoundingClientRect();
      return [(box.x + x * box.width - origin.x) / zoom, (box.y + y * box.height - origin.y) / zoom];
    };
    const svg = document.createElementNS(SVG, "svg");
    for (const [name, value] of [["class", "links"], ["aria-hidden", "true"], ["width", 1], ["height", 1]]) svg.setAttribute(name, value);
    for (const { map, start, end } of links) {
      const [x1, y1] = place(upper[map], start), [x2, y2] = place(lower[map], end);
      for (const name of ["under", ""]) {
        const stroke = document.createElementNS(SVG, "line");
        for (const [key, value] of Object.entries({ class: name, x1, y1, x2, y2 })) stroke.setAttribute(key, value);
        svg.append(stroke);
      }
      const head = document.createElementNS(SVG, "path");
      head.setAttribute("d", "M0 0L-9 -4L-9 4z");
      head.setAttribute("transform", `translate(${x2} ${y2}) rotate(${(Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI})`);
      svg.append(head);
    }
    this.bench.append(svg);
  }
}

function line({ title, notes, maps }) {
  const row = element("div", "line");
  const side = element("div", "side");
  side.append(element("b", "", title), ...notes.map((note) => element("div", "", note)));
  row.append(side);
  for (const { src, name, alt, smooth } of maps) {
    const figure = element("figure", smooth ? "map smooth" : "map");
    figure.append(picture(src, alt), element("figcaption", "", name));
    row.append(figure);
  }
  return row;
}

function operation({ operation, filters }) {
  const row = element("div", "line op");
  const side = element("div", "side");
  side.append(element("b", "", operation));
  row.append(side);
  for (const { up, turned } of filters) {
    const box = element("div", "filter");
    for (const [src, name] of up ? [[up, "filter"], [turned, "turned round"]] : []) {
      const part = element("span", "");
      part.append(picture(src, ""), name);
      box.append(part);
    }
    row.append(box);
  }
  return row;
}

function picture(src, alt) {
  return Object.assign(element("img", ""), { src, alt, draggable: false });
}

export default function ({ data, parentElement, setStateValue }) {
  const host = parentElement.querySelector(".descent");
  host.descent ??= new Descent(host);
  host.descent.send = setStateValue;
  host.descent.receive(data);
}
