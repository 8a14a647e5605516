// The component: one Ladder per host element. Streamlit calls the default export again after every run of the page.

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

class Ladder {
  constructor(host) {
    this.host = host;
    for (const [event, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])
      host.addEventListener(event, ({ target }) => this.point(target.closest?.(".tile"), on));
    host.addEventListener("click", ({ target }) => {
      const tile = target.closest(".tile");
      if (tile) this.send("opened", tile.dataset.name);
    });
    host.addEventListener("keydown", (event) => this.step(event));
  }

  receive({ rungs }) {
    const looks = JSON.stringify(rungs);
    if (looks === this.looks) return; // nothing flickers or loses the focus
    this.looks = looks;
    this.host.replaceChildren(...rungs.map(draw));
  }

  /** The box of the tile that is pointed at, alone. */
  point(tile, on) {
    if (!tile) return;
    const rung = tile.closest(".rung");
    const at = [...rung.querySelectorAll(".tile")].indexOf(tile);
    rung.querySelectorAll(".box")[at].classList.toggle("at", on);
  }

  /** Arrows go from tile to tile, up and down to other rungs. */
  step(event) {
    const step = STEPS[event.key];
    const tile = event.target.closest(".tile");
    if (!step || !tile) return;
    event.preventDefault();
    const rungs = [...this.host.children].map((rung) => [...rung.querySelectorAll(".tile")]);
    const row = rungs.findIndex((tiles) => tiles.includes(tile));
    const tiles = rungs[row + step[0]];
    tiles?.[Math.min(rungs[row].indexOf(tile) + step[1], tiles.length - 1)]?.focus();
  }
}

function draw({ title, note, photo, alt, tiles }) {
  const rung = element("div", "rung");
  const head = element("h3", "", title);
  head.append(element("span", "", note));
  const view = element("div", "photo");
  view.append(Object.assign(element("img", ""), { src: photo, alt, draggable: false }));
  const list = element("div", "tiles");
  for (const tile of tiles) {
    const box = element("i", "box");
    const [left, top, width, height] = tile.box.map((share) => `${100 * share}%`);
    Object.assign(box.style, { left, top, width, height });
    view.append(box);
    const button = element("button", "tile");
    button.type = "button";
    button.dataset.name = tile.name;
    button.setAttribute("aria-label", tile.says);
    for (const src of [tile.above, tile.below])
      button.append(Object.assign(element("img", ""), { src, alt: "", draggable: false }));
    button.append(element("span", "", tile.caption));
    list.append(button);
  }
  rung.append(head, view, list);
  return rung;
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".ladder");
  host.ladder ??= new Ladder(host);
  host.ladder.send = setTriggerValue;
  host.ladder.receive(data);
}
