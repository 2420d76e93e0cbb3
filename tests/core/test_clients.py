"""Who a client is: nobody says an id that makes it another token's client."""

from hypothesis import given
from hypothesis import strategies as st

from termwall.core.clients import Reader, bound, name_of, token_of, token_prefix
from termwall.core.ids import ClientId


def test_X7_a_clients_id_is_its_tokens_too() -> None:
    assert bound("page", None) == "page", "the owner's go by their own"
    assert len({bound("page", None), bound("page", "t1"), bound("page", "t2")}) == 3
    assert bound("page", "t1") == f"{token_prefix('t1')}page"
    assert [name_of(one) for one in (bound("a~b", "t1"), ClientId("~page"), bound("", "t1"))] == ["a~b", "~page", ""]
    assert token_of(bound("a~b", "t1")) == token_of(bound("", "t1")) != token_of(bound("a~b", "t2"))
    assert token_of(ClientId("page")) == token_of(ClientId("~page")) == token_of(ClientId("a~b~c")) == ""


@given(st.text(), st.text(), st.sampled_from(["t1", "t2"]), st.sampled_from(["t1", "t2"]))
def test_X7_two_are_one_only_where_id_and_token_are(one: str, other: str, token: str, others: str) -> None:
    same = (one, token) == (other, others)
    assert (bound(one, token) == bound(other, others)) is same
    assert (token_of(bound(one, token)) == token_of(bound(other, others))) is (token == others)


def test_X7_a_client_reads_its_own_id_as_it_gave_it_and_others_with_their_tokens() -> None:
    own, others = bound("a~b", "t1"), bound("a~b", "t2")
    fields = f'"clientId":"{own}","name":"\\"clientId\\":\\"{own}"'
    said = f'{{"driver":{{{fields}}},"by":{{"clientId":"{others}"}}}}'.encode()
    read = said.replace(f'{{"clientId":"{own}'.encode(), b'{"clientId":"a~b')
    assert Reader("t1").reads(said) == read
    assert Reader(None).reads(said) == said
