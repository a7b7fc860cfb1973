// One pane: a window onto one picture, or onto two that lie on each other. It draws what it is told and reports gestures.
(function () {
  "use strict";

  const WHEEL_STEP = 0.0015; // of the logarithm of the zoom, a pixel of wheel
  const PIXELS_FROM = 2; // screen pixels a pixel of the frame from which on pixels are shown as squares

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (key in made && typeof value !== "string") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // `count` layers, the first at the bottom. Gestures: onZoom(factor, dx, dy) about a point given from the centre, onPan(dx, dy) in CSS pixels.
  function makeStage(count, gestures) {
    const layers = Array.from({ length: count }, () => {
      const image = element("img", { alt: "", draggable: false, decoding: "async" });
      const gone = element("p", { class: "gone", hidden: true });
      const box = element("div", { class: "layer" }, image, gone);
      image.addEventListener("error", () => say(gone, "This picture can't be read."));
      image.addEventListener("load", () => { gone.hidden = true; });
      return { box, image, gone };
    });
    const node = element("div", { class: "stage", tabindex: "0", role: "group" }, ...layers.map((layer) => layer.box));
    listen(node, gestures);
    return { node, layers, show: (number, picture) => show(layers[number], picture), draw: (view) => draw(node, layers, view) };
  }

  function say(gone, text) {
    gone.textContent = text;
    gone.hidden = false;
  }

  // picture: {src or null, alt, frame: [w, h], nearest: whether its own pixels are larger than the frame's}
  function show(layer, picture) {
    layer.nearest = picture.nearest;
    layer.frame = picture.frame;
    layer.image.alt = picture.alt;
    layer.image.style.width = picture.frame[0] + "px";
    layer.image.style.height = picture.frame[1] + "px";
    layer.image.hidden = picture.src === null;
    if (picture.src === null) {
      layer.image.removeAttribute("src");
      say(layer.gone, "There is no picture of this row.");
    } else if (layer.image.getAttribute("src") !== picture.src) {
      layer.gone.hidden = true;
      layer.image.src = picture.src;
    }
  }

  // view: {zoom, x, y} as in the state, but zoom a number
  function draw(node, layers, view) {
    const width = node.clientWidth;
    const height = node.clientHeight;
    for (const layer of layers) {
      if (!layer.frame) continue;
      const left = Math.round(width / 2 - view.x * layer.frame[0] * view.zoom);
      const top = Math.round(height / 2 - view.y * layer.frame[1] * view.zoom);
      layer.image.style.transform = `translate(${left}px, ${top}px) scale(${view.zoom})`;
      layer.image.classList.toggle("pixels", layer.nearest || view.zoom * devicePixelRatio >= PIXELS_FROM);
    }
  }

  function listen(node, { onZoom, onPan, onFit }) {
    const fingers = new Map();

    node.addEventListener("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
      onZoom(Math.exp(-pixels * WHEEL_STEP * (event.ctrlKey ? 6 : 1)), ...fromCentre(node, event));
    }, { passive: false });

    node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      fingers.set(event.pointerId, event);
      node.setPointerCapture(event.pointerId);
    });
    node.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
      fingers.set(event.pointerId, event);
      if (other) {
        const [x, y] = fromCentre(node, event);
        const [otherX, otherY] = fromCentre(node, other);
        const grown = distance(event, other) / Math.max(1, distance(before, other));
        onZoom(grown, (x + otherX) / 2, (y + otherY) / 2);
        onPan((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
      } else {
        onPan(event.clientX - before.clientX, event.clientY - before.clientY);
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      node.addEventListener(end, (event) => fingers.delete(event.pointerId));
    }
    node.addEventListener("dblclick", (event) => onFit(...fromCentre(node, event)));
  }

  function fromCentre(node, event) {
    const box = node.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  function distance(one, other) {
    return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  }

  semsr.element = element;
  semsr.makeStage = makeStage;
})();
