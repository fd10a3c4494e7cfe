"""Album state as bytes: nothing is lost, nothing damaged is taken for a state."""

from __future__ import annotations

import base64
import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_album import DIMENSION, Spec, albums, tree_model

from sploot_media_clustering.domain import arrivals, tree
from sploot_media_clustering.domain.tree import AlbumState
from sploot_media_clustering.errors import StateError
from sploot_media_clustering.services.state_codec import FORMAT, pack, unpack

MODEL = tree_model()

FORMAT_1 = base64.b85decode(
    "Q&3Dn0VuUE{bWT7O)3DoLJSZ^P^NJXCtw0Gafxi`r(61+FpDm9ZB>}j24^3q#E|><rcjD6T5l4tgl&=txfr&6yF=E`W&hjnolDh0"
    "++XPsKC?yJ0p<V!0qp>L#<+;I2w^~-wA@|w-Q$1v*P63I>+@&X<;Gd=?)QJOIC1i1cy@L+puRCV`EU1=oW8K(Dgyy5LF*GK_b#_h"
    "B`9+g7?ia2IWxz^K!M4kfoFXt<=%xAB?VI$DR9<jmwMPsh?U%S6<P9Qyg8Uzlp;QCew7W?5TYs@qa-Y&q5_kk2C(Ewsa;HL6r3Nw"
    "%b8F|ed@S>3T(n{jaAY()!$w9m8QZp75;QEbZM@a=6Jhw$ECBz_h)5KvaXe5lBy|9Q~KS;KeEXEMPvz=yF8U_>T;cbZ^rWG^Xo9e"
    "|H?=)tw38)h|>&IMR~q5b8b-4H`L*aO2ZYxHX@BMPZJjJ#gZg3ZAG3wM);JWfu^Ly1e-^C!m*~NMjAsyuQv|StT4*Rm>fXBEnMt&"
    "CxB5sE8&iy0pXf2E$9?n<5Lhs(B$-$sVb`W!pOj22{J~7T8l7&rU!_tVsWTbyXGjZN;6tss&u*Xw8W2?gF_^Qt(`Vj(99AgiGw4="
    "7Lug|M`ZMx47K>^LpDRPF#@&_Qs1;_(&=`5ctM0&f@XpnB#7X-KP65#VILu#9B?P0K}`UIlf!I$+?-ZXRYg@4u6<Wd{$1Jbxpy|~"
    "H)l(lYQro5u0~pN=8$FBi;Ik6p*l@H#>d(`OoI(AGlnvtWS+6SJ3III-B@;wM;RV_;snt8oWDv=GD)B)&=grKP!_}%SxnCOzp8&r"
    "51HjXCz&@~ZCg^xZgWM1rr@{8#tq^D54|vq9Hfz{prt0Zpiu<k?bRBf)p;T^xo9a0ClJJ>L1zvD>Iq8gBpcVz$&pI#wI=$4^#@8t"
    "7_PQ0fxL<iVzrSp5#HUWYL)zpL4C8}<UM|*j5I!S_a<5cK)H4WS{_}x_89M%eOR}7pf$P#ZURmwS|g!czyfHUgmM836yY&a3Ck{>"
    "q5<-R7kFgC6TkuKx@+@u(?Km+{N?$lnp=NlKi)8XvvGCzlUA?g=zX~N=dltj>;3on{7EGb+v3~(7mUo3Ka!1^x}ENQKYTDK_1opf"
    "x{l;*h(YHGWwZwRF@@+Nkc&oZM05mN0zHA^YNVwjvo1_fS2^Pov*(m{P7!LGrQOynA~Qg*Vit)pQVF{<p+;&dbVZZc`tSgL9S<|V"
    "d1R}SXD=a3&Sc+heXnajecxP{C4aZk3a+*-A$QEu^^FdXWzPOguWE6mwv64ut!jq!0FmIeV_n;Q!@Ff$c}|Kw=dV1{@V6}7MA5bN"
    "8SkmSs{(+OsPRB!2r<gY$OIxH5;Yyb0+N|g%>xp^(j<_Rq$P+5MkF%95J@0Wf|eE-#*CT(^GYQ5m9#*wXb7gT9V;3uXEaaKRXLz9"
    "2q^{0<1-`0(DkaY(zosxFyR=c#_ux98OPnZ0cu?F=?~Iqx(uvpUo^iBrF~{NBHsk&cVP%O0u;6kCA}0I&s@67G5XJtTurIK(bFN_"
    "#8Okf?p3h02Z3lX&#8yAiUb5MhbpV)0EY=|4tp0{6O|T(O3@Sf5p|Z%JzYIi(g#^xrK1V^@WoXvOdij)1Z!<5NE{r>&Dk!Gn+_t3"
    "!V4LFDC_gXe`TIVTh)4K@_P6oX}OVeE(Grkul>5WQqv%YfpDacz#kSOD#<kp2r|iuw>j=!aPV0rJ_=on@gRuP1nMVaehZmirFh<N"
    "_9kzm5lpZO-V`oA"
)
"""Three photos of one animal, as the release before packed them."""


def state_of(spec: Spec) -> AlbumState:
    state = tree.empty(MODEL, expected_animals=(1, 3))
    for photo in spec.build():
        state, _ = arrivals.add(state, photo, MODEL)
    return dataclasses.replace(state, heroes={"subject-1": ("a.jpg",)})


def assert_identical(left: object, right: object) -> None:
    assert type(left) is type(right)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    elif dataclasses.is_dataclass(left):
        for field in dataclasses.fields(left):
            assert_identical(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, tuple) and isinstance(right, tuple):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_identical(a, b)
    else:
        assert left == right


@settings(max_examples=20)
@given(albums())
def test_a_state_comes_back_bit_by_bit(spec: Spec) -> None:
    """Packing and unpacking is the identity."""
    state = state_of(spec)
    assert_identical(unpack(pack(state)), state)


def test_an_album_without_photos_comes_back() -> None:
    """Before the first photo, after the last."""
    state = tree.empty(MODEL)
    assert_identical(unpack(pack(state)), state)
    (photo,) = Spec(3, 1, 1, timed=True).build()
    gone = arrivals.remove(arrivals.arrive(state, photo, MODEL)[0], photo.image_id, MODEL)
    assert_identical(unpack(pack(gone)), gone)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_state_is_refused_or_unharmed(place: int, flip: int) -> None:
    """A flipped bit never crashes: it is named, or it was in nothing that counts."""
    data = bytearray(pack(state_of(Spec(1, 6, 2, timed=True))))
    data[place % len(data)] ^= flip
    state = None
    with contextlib.suppress(StateError):
        state = unpack(bytes(data))
    assert state is None or isinstance(state, AlbumState)


def test_the_format_before_is_read() -> None:
    """So that workers of two releases can follow each other; what is packed again is of this format."""
    state = unpack(FORMAT_1)
    assert [photo.image_id for photo in state.photos] == ["000.jpg", "001.jpg", "002.jpg"]
    assert state.subject_ids == ("subject-dd0eb1e6bcea",)
    assert state.photos[0].sightings[0].identity[:3].tolist() == [2.556640625, 3.59375, -0.1702880859375]
    assert state.columns.identity.shape == (3, DIMENSION)
    assert pack(state)[4] == FORMAT == FORMAT_1[4] + 1
    assert_identical(unpack(pack(state)), state)
    grown, _ = arrivals.add(state, Spec(2, 1, 1, timed=True).build()[0], MODEL)
    assert len(unpack(pack(grown)).photos) == len(grown.photos)


def test_other_bytes_and_formats_are_named() -> None:
    """Each message says what came and what was expected."""
    data = pack(state_of(Spec(1, 3, 1, timed=False)))
    with pytest.raises(StateError, match="start with SPLA"):
        unpack(b"something else")
    with pytest.raises(StateError, match="format 9"):
        unpack(data[:4] + bytes([9]) + data[5:])
