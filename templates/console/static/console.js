/* What the pages do more with a script: new rows of a live list, one press for one form, focus on the faults. */
(function () {
  "use strict";
  var faults = document.getElementById("faults");
  if (faults) { faults.focus(); }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post") { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 8000);
  });

  var live = document.querySelector("[data-live]");
  if (!live || !window.fetch) { return; }
  var wait = 5000;
  function put(rows) {
    var holder = document.createElement("template");
    holder.innerHTML = rows;
    Array.prototype.slice.call(holder.content.querySelectorAll("tr")).reverse().forEach(function (row) {
      var known = document.getElementById(row.id);
      if (known) {
        if (known.innerHTML === row.innerHTML || known.contains(document.activeElement) || known.querySelector("[open]")) { return; }
        known.remove();
      }
      row.className = "fresh";
      live.prepend(row);
    });
    while (live.children.length > 200) { live.lastElementChild.remove(); }
    if (live.children.length) {
      document.querySelectorAll("[data-empty]").forEach(function (empty) { empty.remove(); });
    }
  }
  function ask() {
    if (document.hidden) { setTimeout(ask, wait); return; }
    fetch(live.dataset.live + "&after=" + encodeURIComponent(live.dataset.newest || ""), { credentials: "same-origin" })
      .then(function (answer) {
        if (answer.status === 401) { location.reload(); return null; }
        if (!answer.ok) { throw new Error("status"); }
        live.dataset.newest = answer.headers.get("X-Newest") || live.dataset.newest;
        wait = 5000;
        return answer.text();
      })
      .then(function (rows) {
        if (rows === null) { return; }
        put(rows);
        setTimeout(ask, wait);
      })
      .catch(function () { wait = Math.min(wait * 2, 60000); setTimeout(ask, wait); });
  }
  setTimeout(ask, wait);
})();
