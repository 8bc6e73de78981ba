import pytest

from tomostream.runtime.spread import spread


def test_every_piece_is_done_once():
    done = []
    spread(done.append, 20, threads=3)
    assert sorted(done) == list(range(20))


def test_nothing_to_do_is_done():
    spread(lambda index: pytest.fail(str(index)), 0, threads=2)


def test_the_error_of_a_piece_is_told():
    def task(index):
        if index == 3:
            raise ValueError("piece 3")

    with pytest.raises(ValueError, match="piece 3"):
        spread(task, 5, threads=2)
