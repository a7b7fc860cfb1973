// How plots are drawn: colours of the page's scheme, one layout for all, a table beside each for those who do not see it.
(function () {
  "use strict";

  const CONFIG = {
    displaylogo: false,
    responsive: true,
    showLink: false,
    showSendToCloud: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  };
  const MOST_LABELS = 24; // rows from which on names stand only in hover texts

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A custom property as a colour that plotly reads; browsers resolve light-dark() only on an element.
  function colour(name, opacity = 1) {
    const probe = document.body.appendChild(element("span", { style: `color: var(--${name})` }));
    const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g);
    probe.remove();
    return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
  }

  // Plotly reads a few tags in texts; names are shown as they are.
  function plain(text) {
    return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }

  function axis(title, more) {
    return {
      title: { text: plain(title), standoff: 8 },
      gridcolor: colour("line"),
      linecolor: colour("strong-line"),
      zeroline: false,
      automargin: true,
      ...more,
    };
  }

  function layout(x, y, more) {
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const family = getComputedStyle(document.body).fontFamily;
    return {
      xaxis: x,
      yaxis: y,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family, size: size * 0.8, color: colour("ink") },
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("strong-line"), font: { family, color: colour("ink") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("soft"), activecolor: colour("accent") },
      margin: { l: 10, r: 14, t: 34, b: 10 },
      showlegend: true,
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, xanchor: "left" },
      hovermode: "closest",
      ...more,
    };
  }

  const PLACES = [
    // Where a name may stand, and its box from the point, in widths and heights of the name.
    ["top center", -0.5, 0.6], ["bottom center", -0.5, -1.6], ["middle right", 0.1, -0.5], ["middle left", -1.1, -0.5],
  ];

  // Where the names of points stand such that none lies on another or on a point; "" for those that find no place: hover texts have them.
  // places: [[x, y]]; within: further points that the axes show; both in the units of the axes. plot: what it is drawn into.
  function placeNames(names, places, within, plot) {
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.8;
    const [width, height] = [Math.max(100, plot.clientWidth - 80), Math.max(100, plot.clientHeight - 90)];
    const scales = [0, 1].map((axis) => {
      const all = [...places, ...within].map((point) => point[axis]).filter(Number.isFinite);
      const low = all.reduce((one, other) => Math.min(one, other), Infinity);
      const high = all.reduce((one, other) => Math.max(one, other), -Infinity);
      return (value) => ((value - low) / (high - low || 1)) * (axis ? height : width);
    });
    const points = places.map(([x, y]) => [scales[0](x), scales[1](y)]);
    const taken = points.map(([x, y]) => [x - 6, y - 6, x + 6, y + 6]);
    return names.map((name, number) => {
      const [long, tall] = [name.length * size * 0.56, size * 1.3];
      for (const [place, across, up] of PLACES) {
        const x = points[number][0] + across * long + Math.sign(across + 0.5) * 6;
        const y = points[number][1] + up * tall;
        const wanted = [x, y, x + long, y + tall];
        const free = taken.every((other, at) => at === number || other[2] < wanted[0] || other[0] > wanted[2] || other[3] < wanted[1] || other[1] > wanted[3]);
        if (free) {
          taken.push(wanted);
          return place;
        }
      }
      return "";
    });
  }

  // Rows as points with their names: those that compete filled, those that check the set-up hollow. `scale`: of x, as Math.log for a logarithmic axis.
  function points(figure, rows, x, y, hover, { more, within = [], scale = (value) => value } = {}) {
    const found = rows.length > MOST_LABELS ? rows.map(() => "")
      : placeNames(rows.map((row) => row.label), rows.map((row) => [scale(x(row)), y(row)]), within, figure.plot);
    const placed = new Map(rows.map((row, number) => [row, found[number]]));
    return [false, true].map((sanity) => {
      const group = rows.filter((row) => row.sanity === sanity);
      return {
        type: "scatter",
        mode: "markers+text",
        name: sanity ? "check the set-up" : "methods",
        x: group.map(x),
        y: group.map(y),
        text: group.map((row) => (placed.get(row) ? plain(row.label) : "")),
        textposition: group.map((row) => placed.get(row) || "top center"),
        hovertext: group.map((row) => hover(row).map(plain).join("<br>")),
        hoverinfo: "text",
        cliponaxis: false,
        marker: {
          size: 10,
          symbol: sanity ? "diamond-open" : "circle",
          color: colour(sanity ? "soft" : "accent"),
          line: { width: sanity ? 2 : 1, color: colour(sanity ? "soft" : "paper") },
        },
        ...more?.(group),
      };
    }).filter((trace) => trace.x.length);
  }

  // Draw into `figure.plot`, and say the same in a table below it; before the library is there, only the latter.
  async function draw(figure, traces, made, table) {
    figure.nothing.hidden = traces.length > 0;
    figure.plot.hidden = traces.length === 0;
    figure.table.replaceChildren(tableOf(table));
    figure.details.hidden = table.lines.length === 0;
    if (traces.length && window.Plotly) await Plotly.react(figure.plot, traces, made, CONFIG);
  }

  // table: {caption, heads, lines: [[name, ...texts]]}; a name may be {text, href}
  function tableOf({ caption, heads, lines }) {
    return element("table", {}, element("caption", { class: "hidden-text" }, caption),
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...lines.map(([name, ...texts]) => element("tr", {},
        element("th", { scope: "row" }, name.href ? element("a", { href: name.href }, name.text) : String(name)),
        ...texts.map((text) => element("td", {}, text))))));
  }

  // A section with its controls, the plot and the table. choices: [{name, label, options: [[value, text]], value}]
  function section(id, title, introduction, choices, onChange) {
    const selects = Object.fromEntries(choices.map(({ name, options, value }) => {
      const select = element("select", { id: `${id}-${name}` }, ...options.map(([key, text]) => element("option", { value: key }, text)));
      select.value = String(value);
      return [name, select];
    }));
    const plot = element("div", { class: "plot" });
    const nothing = element("p", { class: "soft", hidden: "" }, "There is nothing to draw for this choice.");
    const table = element("div", { class: "plot-table", tabindex: "0", role: "region", "aria-label": `${title}: numbers` });
    const details = element("details", {}, element("summary", {}, "The same in numbers"), table);
    const controls = choices.map(({ name, label }) => element("label", {}, element("span", {}, label), selects[name]));
    const node = element("section", { class: "plot-section", id, "aria-labelledby": `${id}-title` },
      element("h2", { id: `${id}-title` }, title), element("p", {}, introduction),
      element("div", { class: "plot-controls" }, ...controls), plot, nothing, details);
    const figure = { node, plot, nothing, table, details, chosen: (name) => selects[name].value };
    for (const select of Object.values(selects)) select.addEventListener("change", () => onChange(figure));
    return figure;
  }

  // Where Chromium sees that the scheme changed: by the system, or by the switch of the page.
  function onScheme(action) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", action);
    new MutationObserver(action).observe(document.documentElement, { attributes: true, attributeFilter: ["data-scheme"] });
  }

  semsr.plots = { element, colour, plain, axis, layout, points, placeNames, draw, section, onScheme };
})();
