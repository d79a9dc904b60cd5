"""Classes that stay away are proposed for retirement."""


def test_a_class_that_never_comes_again_may_be_retired(bad_report):
    retired = [proposal for proposal in bad_report.proposals if proposal.kind == "retired"]
    assert "Printing" in [proposal.name for proposal in retired]


def test_label_shares_of_a_quiet_store_move_as_by_chance(quiet_report):
    measured = {measure.name: measure for measure in quiet_report.measures}
    assert measured["label shares moved"].value <= 2 * measured["label shares moved"].reference
