// The page of plots: which data set is shown, and when it is drawn again.
(function () {
  "use strict";

  const { plane, cost, published, perImage } = semsr.plotFigures;
  const choice = document.getElementById("block");
  const status = document.getElementById("plot-status");
  const place = document.getElementById("plots");
  let figures = [];

  function told() {
    return new URLSearchParams(location.hash.replace(/^#/, "")).get("block");
  }

  async function show() {
    const option = choice.selectedOptions[0];
    place.removeAttribute("data-ready");
    status.textContent = "Drawing …";
    try {
      await Promise.all([semsr.load("assets/plotly.min.js"), semsr.load(option.dataset.src)]);
      const data = semsr.get(option.dataset.key);
      if (data.images) await semsr.load(data.images.src);
      if (option !== choice.selectedOptions[0]) return;
      for (const figure of figures) figure.node.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.purge(plot));
      figures = data.columns.length ? [plane(data), cost(data), published(data)] : [];
      if (data.images) figures.push(perImage(data, semsr.get(data.images.key)));
      place.replaceChildren(...figures.map((figure) => figure.node));
      for (const figure of figures) await figure.redraw();
      status.textContent = figures.length ? "" : "This table has nothing that can be plotted.";
      place.dataset.ready = option.value;
    } catch (error) {
      status.textContent = error.message;
    }
  }

  function restore() {
    const wanted = [...choice.options].find((option) => option.value === told());
    if (wanted) choice.value = wanted.value;
  }

  choice.addEventListener("change", () => {
    history.replaceState(null, "", "#" + new URLSearchParams({ block: choice.value }));
    show();
  });
  addEventListener("hashchange", () => {
    restore();
    show();
  });
  semsr.plots.onScheme(() => figures.forEach((figure) => figure.redraw()));
  restore();
  show();
})();
