"""The page in a real browser: from disk, without a network, by mouse and by keys."""

import json
import re
import shutil

from graphrnn.inspection.inspector import inspect
from graphrnn.inspection.page.html import embedded, page
from tests.inspected import lesson

import aesara.tensor as at
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")

needs_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no Chromium with chromedriver on PATH: 'sudo apt install chromium chromium-driver'",
)

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>document.title='broken'</script>"


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--window-size=1400,900",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def lesson_page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "lesson.html"
    lesson().save(path)
    return path


def opened(browser, path):
    browser.get(path.as_uri())
    assert browser.get_log("browser") == []
    return browser.find_element(By.TAG_NAME, "body")


def count(browser, selector):
    return len(browser.find_elements(By.CSS_SELECTOR, selector))


@needs_browser
def test_the_page_opens_its_loops_and_steps_through_the_history(browser, lesson_page, tmp_path):
    body = opened(browser, lesson_page)
    assert browser.title == "theano_rnn, scan"
    before = count(browser, ".box")
    loop = browser.find_elements(By.CSS_SELECTOR, ".box.loop")[0]
    loop.send_keys(Keys.ENTER)
    assert count(browser, ".box") > before
    assert count(browser, ".cluster") == 1
    browser.find_elements(By.CSS_SELECTOR, ".box.loop")[0].send_keys(Keys.ENTER)
    assert count(browser, ".box") == before
    body.send_keys("3")
    first = browser.find_element(By.ID, "where").text
    assert first.startswith("step 1 of ")
    body.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert browser.find_element(By.ID, "where").text.startswith("step 2 of ")
    assert browser.find_element(By.ID, "rewrite").text
    assert count(browser, ".box.removed, .box.added, .box.changed") > 0
    picture = tmp_path / "page.png"
    assert browser.save_screenshot(str(picture))
    assert picture.stat().st_size > 10_000
    assert browser.get_log("browser") == []


@needs_browser
def test_a_selection_is_linked_and_shown_in_detail(browser, lesson_page):
    body = opened(browser, lesson_page)
    body.send_keys("2")
    assert count(browser, ".pane") == 2
    panes = browser.find_elements(By.CSS_SELECTOR, ".pane")
    boxes = panes[1].find_elements(By.CSS_SELECTOR, ".box")
    node = next(b for b in boxes if b.get_attribute("aria-label").startswith("divide: "))
    node.send_keys(Keys.ENTER)
    assert count(browser, ".box.picked") == 1
    assert count(browser, ".box.linked") >= 1
    text = browser.find_element(By.ID, "details").text
    assert "losses.py" in text
    assert "float32 (8, 1, 7)" in text
    assert "C (native)" in text
    body.send_keys(Keys.ESCAPE)
    assert count(browser, ".box.picked") == 0


@needs_browser
def test_search_themes_zoom_and_the_other_views(browser, lesson_page):
    body = opened(browser, lesson_page)
    body.send_keys("/")
    field = browser.switch_to.active_element
    assert field.get_attribute("id") == "search"
    field.send_keys("dot", Keys.ENTER)
    assert re.fullmatch(r"\d+ found", browser.find_element(By.ID, "found").text)
    assert count(browser, ".box.found") > 2
    assert count(browser, ".box.picked") == 1
    field.send_keys(Keys.ESCAPE)
    world = browser.find_element(By.CSS_SELECTOR, "svg.graph > g")
    before = world.get_attribute("transform")
    body.send_keys("+", Keys.ARROW_DOWN)
    assert world.get_attribute("transform") != before
    root = browser.find_element(By.TAG_NAME, "html")
    theme = root.get_attribute("data-theme")
    browser.find_element(By.ID, "theme").click()
    assert {theme, root.get_attribute("data-theme")} == {"light", "dark"}
    body.send_keys("4")
    assert "theano_rnn, scan, written" in browser.find_element(By.CSS_SELECTOR, ".scroll pre").text
    body.send_keys("5")
    assert "peak" in browser.find_element(By.CSS_SELECTOR, ".scroll").text
    assert browser.get_log("browser") == []


@needs_browser
def test_a_hostile_name_is_text(browser, tmp_path):
    path = tmp_path / "hostile.html"
    x = at.TensorType("float32", (2,))(HOSTILE)
    inspect([at.exp(x)], title=HOSTILE).save(path)
    opened(browser, path)
    assert browser.title == HOSTILE
    assert browser.find_element(By.ID, "title").text == HOSTILE
    labels = [b.get_attribute("aria-label") for b in browser.find_elements(By.CSS_SELECTOR, ".box")]
    assert any(label.startswith("<script>") for label in labels)


@needs_browser
def test_two_thousand_nodes_stay_usable(browser, tmp_path):
    x = at.TensorType("float32", (4,))("x")
    value = x
    for _ in range(1000):
        value = at.tanh(value) * x
    path = tmp_path / "large.html"
    inspect([value], title="large").save(path)
    opened(browser, path)
    assert 2 <= count(browser, ".box") < 100
    assert "nodes, steps folded" in browser.find_element(By.CSS_SELECTOR, ".pane .bar").text


def test_the_page_needs_no_network_and_escapes_names():
    x = at.TensorType("float32", (2,))(HOSTILE)
    text = page(inspect([at.exp(x)]))
    assert HOSTILE not in text
    assert text.count("<script") == 2
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:link|script|img)[^>]+(?:src|href)=\"(?!data:)", text)
    assert "innerHTML" not in text


def test_embedded_data_is_read_back():
    data = {"a": "</script><!--\u2028\u2029", "b": [1, 2.5, None]}
    assert json.loads(embedded(data)) == data
    assert "<" not in embedded(data)
