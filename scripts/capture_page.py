"""Makes the README's picture of the page that `make graph` writes.

Run it as `.venv/bin/python scripts/capture_page.py`, from the top folder, after `make test` has
brought selenium; it needs Chromium and its driver on PATH.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import graphrnn

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PICTURES = Path(__file__).parent / "pictures"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--window-size=1440,900",
)


def main() -> None:
    """Write the page, open a loop in it, and take its picture."""
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver or not browser:
        sys.exit("no Chromium: install it with 'sudo apt install chromium chromium-driver'")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in FLAGS:
        options.add_argument(flag)
    with tempfile.TemporaryDirectory() as folder:
        page = graphrnn.inspect("theano_rnn").save(Path(folder) / "graph.html")
        window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            window.get(page.as_uri())
            window.find_elements(By.CSS_SELECTOR, ".box.loop")[0].send_keys(Keys.ENTER)
            maximum = next(
                box
                for box in window.find_elements(By.CSS_SELECTOR, ".box")
                if (box.get_attribute("aria-label") or "").startswith("maximum")
            )
            maximum.send_keys(Keys.ENTER)
            body = window.find_element(By.TAG_NAME, "body")
            body.send_keys("+", "+", "+", "+")
            window.execute_script("state.panes[0].center(state.picked.id)")
            window.save_screenshot(str(PICTURES / "page.png"))
        finally:
            window.quit()


if __name__ == "__main__":
    main()
