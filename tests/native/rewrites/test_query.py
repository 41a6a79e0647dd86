"""Our own rewrites are there for those who ask."""

from graphrnn.native.rewrites.query import query

from aesara.compile.mode import optdb
from aesara.scan.rewriting import scan_seqopt1


def test_all_rewrites_are_in_the_database_and_only_for_those_who_ask():
    names = {
        "native_keep_forward", "native_hand_through", "native_sum_after_loop",
        "native_join_products", "native_one_hot_before_loop", "native_one_hot_product",
        "native_project_table", "native_table_gradient", "native_static_shapes",
        "native_softmax_of_sum",
    }  # fmt: skip
    assert names <= set(optdb.__db__)
    ours = {
        getattr(rewriter, "name", None)
        for rewriter in optdb.query(query()).data
        if rewriter not in optdb.query("+fast_run").data
    }
    assert names <= ours
    assert "native_product_after_loop" in scan_seqopt1.__db__
    assert not [r for r in scan_seqopt1.query("+fast_run").data if "product_after" in str(r)]
