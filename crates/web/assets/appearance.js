// Applies the chosen colors of the portal before the page is painted: no module, so that it is not deferred.
try {
  const chosen = localStorage.getItem("vestibule-appearance");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.colorScheme = chosen;
} catch {
  // Without storage the colors follow the system.
}
