"""Faults of the scan of Aesara 2.9.4, and what replaces the faulty parts when this is imported.

Rewrites are replaced in Aesara's own database, so that every mode has the right ones, Aesara's
included, and inside loops too. Where Aesara has no registry, one of its functions is replaced: a
wrong number would be worse.
"""

from dataclasses import dataclass

from graphrnn.upstream import (  # noqa: F401
    scan_gradients,
    scan_merging,
    scan_no_steps,
    scan_one_step,
    scan_pushouts,
    scan_saving,
)


@dataclass(frozen=True)
class ScanFault:
    """One kind of wrong result: of what, from which of Aesara's functions, and its remedy.

    `thread` is where upstream discusses it, if it does; `test` has the right value.
    """

    name: str
    what: str
    where: tuple[str, ...]
    mend: str
    thread: str
    test: str

    def row(self) -> str:
        """Return the fault as a row of the Markdown table."""
        where = ", ".join(f"`{name}`" for name in self.where)
        cells = (self.name, self.what, where, self.thread or "-", self.mend, f"`{self.test}`")
        return f"| {' | '.join(cells)} |"


SCAN_FAULTS: tuple[ScanFault, ...] = (
    ScanFault(
        "two states that begin alike",
        "a loop with two leaky states (0.9 and 0.5) gets the first one's gradient for both",
        ("scan_merge_inouts",),
        "`sound_scan_merge_inouts`: states are one where they begin alike and every step changes "
        "them alike",
        "pymc-devs/pytensor#2252",
        "test_two_time_scales_have_two_gradients",
    ),
    ScanFault(
        "gradients of gradients of loops",
        "the second gradient counts what a step overwrites (1.5509 for 1.3280), the third ends in "
        "a TypeError",
        ("Scan.L_op",),
        "the chain rule goes through an equal loop of states; every order is right",
        "pymc-devs/pytensor commits 3de825773, 4aea87c25",
        "test_gradients_of_gradients",
    ),
    ScanFault(
        "gradients of loops that end at a condition",
        "each is read one place too far where the loop has a state",
        ("Scan.L_op",),
        "the chain rule goes through an equal loop of the steps that were done",
        "pymc-devs/pytensor commit 56139e4cd",
        "test_the_gradient_of_a_loop_that_ends_at_a_condition",
    ),
    ScanFault(
        "cut gradients of loops without states",
        "with `truncate_gradient` every row gets the last row's gradient, or lengths do not fit",
        ("scan_pushout_seqs_ops", "scan_pushout_add"),
        "the gradient's loop has as many places as steps; `sound_scan_pushout_seqs_ops` and "
        "`sound_scan_pushout_add` leave others alone",
        "pymc-devs/pytensor commit d4313b586",
        "test_a_cut_gradient_of_the_same_value",
    ),
    ScanFault(
        "states that are a constant of the loop",
        "`scan(lambda s: k[0], outputs_info=[zeros(())], n_steps=4)` has 3 rows",
        ("scan_pushout_nonseqs_ops",),
        "`sound_scan_pushout_nonseqs_ops`: only what has no initial value is replaced",
        "",
        "test_a_state_that_is_a_constant_of_the_loop",
    ),
    ScanFault(
        "states of several kinds of taps",
        "values are right, but rewriting prints a traceback; or a state begins at another's place",
        ("scan_pushout_seqs_ops",),
        "`sound_scan_pushout_seqs_ops`: such loops are left alone",
        "",
        "test_states_of_unequal_taps_without_a_recurrence",
    ),
    ScanFault(
        "loops that end at two conditions",
        "two loops whose conditions are written alike and read other sequences become one",
        ("scan_merge",),
        "`sound_scan_merge`: loops that end at a condition stay two",
        "pymc-devs/pytensor#509",
        "test_loops_that_end_at_two_conditions_stay_two",
    ),
    ScanFault(
        "pairs of loops that wait for one another",
        "rewriting never ends",
        ("scan_merge",),
        "`sound_scan_merge`: asked anew after each pair",
        "pymc-devs/pytensor#2221",
        "test_pairs_of_loops_that_wait_for_one_another",
    ),
    ScanFault(
        "one step backwards",
        "with `n_steps=1, go_backwards=True` the first moment is read, not the last",
        ("aesara.scan",),
        "sequences are cut to their end before",
        "",
        "test_one_step_backwards_reads_the_last_moment",
    ),
    ScanFault(
        "loops of no steps",
        "where the number of steps turns out to be 0, the last of a state is memory that was never "
        "written, and gradients are refused",
        ("scan_save_mem",),
        "`sound_scan_save_mem`: what the state began with is read",
        "pymc-devs/pytensor#1878",
        "test_a_loop_that_turns_out_to_have_no_steps",
    ),
    ScanFault(
        "gradients of loops that collect a constant",
        "the gradient of `scan(lambda s: [tanh(s), 0.5], outputs_info=[h, None])` ends in a "
        "TypeError",
        ("Scan.L_op",),
        "the constant is copied first",
        "",
        "test_the_gradient_of_a_loop_that_collects_a_constant",
    ),
    ScanFault(
        "gradients of loops in another float",
        "where floatX is float32, the gradient of a float64 loop whose state only its own steps "
        "read is summed in float32: 8 digits are right, not 16",
        ("Scan.L_op",),
        "floatX is the loop's own widest float while its gradient is built",
        "",
        "test_the_gradient_of_a_loop_is_of_its_own_float",
    ),
    ScanFault(
        "what loops of no steps collect",
        "a result without a first value has the shape (0, 0) for (0, 2)",
        ("Scan.perform", "Scan.make_thunk"),
        "its lengths are asked of the graph of a step; one that only a step can tell is refused",
        "pymc-devs/pytensor#1287",
        "test_what_a_loop_of_no_steps_collects_has_its_shape",
    ),
    ScanFault(
        "gradients of states of several taps",
        "values are right, but rewriting prints a traceback, and memory is not saved",
        ("scan_save_mem",),
        "the helper that asks which states are needed is replaced by a right one",
        "",
        "test_states_that_nobody_needs",
    ),
)
"""Rows of the table of faults; `faults` has those of tensor rewrites, in the same form."""
