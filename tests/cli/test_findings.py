from graphrnn.cli import findings
from graphrnn.errors import UserError


def test_findings_cover_what_a_bug_report_needs():
    rows = dict(findings.findings())
    assert {
        "interpreter",
        "aesara",
        "numpy",
        "compiler",
        "compiler flags",
        "user's flags",
        "BLAS",
        "matrix product, native",
        "matrix product, aesara",
        "cache, native",
        "cache, aesara",
    } <= rows.keys()
    assert "scipy_sgemm_" in rows["compiler flags"]
    assert all(float(rows[f"matrix product, {b}"].split()[0]) > 0 for b in ("native", "aesara"))
    assert "OpenBLAS" in rows["BLAS"]
    assert rows["user's flags"].startswith("mode=FAST_COMPILE")


def test_a_failing_check_hides_no_other(monkeypatch):
    def fail(backend, report):
        raise UserError("no C++ compiler found")

    monkeypatch.setattr(findings, "gemm_rate", fail)
    rows = dict(findings.findings())
    assert rows["matrix product, native"] == "not measured: no C++ compiler found"
    assert rows["cache, aesara"]


def test_folder_size(in_tmp):
    (in_tmp / "deep" / "er").mkdir(parents=True)
    (in_tmp / "deep" / "a").write_bytes(b"abc")
    (in_tmp / "deep" / "er" / "b").write_bytes(b"de")
    assert findings.folder_size(in_tmp) == (2, 5)
    assert findings.folder_size(in_tmp / "nowhere") == (0, 0)
