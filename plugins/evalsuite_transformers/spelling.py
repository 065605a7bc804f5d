"""British spellings and the American ones that they are compared under.

Our own collection of common words by the pattern that they follow, with their inflections. It is
not the list of 1,740 pairs that Whisper's authors used, so that figures can differ a little from
theirs. Words that Americans write as well, in another meaning, are not in it ("analyses",
"practice", "licence plate" counts as "license plate").
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

_OUR = (
    "ard arm behavi cand clam col demean discol dishon disfav endeav fav ferv flav harb hon hum lab"
    " misbehavi neighb od parl ranc rig rum sav savi splend succ tum val vap vig"
)
_OUR_ENDINGS = (
    "our ours oured ouring ourings ourer ourers ourful ourfully ourless ourable ourably ourhood"
    " ourhoods ourly ourite ourites ouritism oury ourist ourists"
)
_ISE = (
    "agon antagon apolog author brutal capital categor central character civil colon commercial"
    " computer critic crystall custom decentral democrat demoral dramat econom emphas energ equal"
    " familiar fantas fertil final formal general global harmon hospital hypnot ideal immun"
    " individual industrial initial internal international ital jeopard legal legitim liberal local"
    " magnet marginal material maxim mechan memor minim mobil modern monopol national natural"
    " neutral normal optim organ reorgan disorgan patron penal personal plagiar polar popular"
    " priorit privat public radical random rational real recogn revital revolution ritual sanit"
    " satir scrutin sensit social special stabil standard steril stigmat styl subsid summar symbol"
    " sympath synchron synthes systemat terror theor traumat trivial urban util vandal verbal"
    " victim visual vocal"
)
_ISE_ENDINGS = "ise ises ised ising iser isers isation isations isational isable"
_RE = (
    "calib cent centimet epicent fib goit kilomet lit lust meag met micromet millilit millimet mit"
    " nit och reconnoit sab saltpet sepulch somb spect theat tit"
)
_DOUBLED = (
    "bevel cancel carol channel chisel counsel dial duel enamel equal fuel funnel gambol grovel"
    " initial jewel label level libel marvel model panel parcel pedal pencil quarrel remodel revel"
    " rival shovel shrivel signal snorkel spiral stencil swivel total towel travel trowel tunnel"
    " unravel yodel"
)
_DOUBLED_ENDINGS = "ed er ers ing ings or ors ous ously"
_SINGLED = "appal distil enrol enthral fulfil instil"
_OGUE = "anal catal dial monol"
_YSE = "anal breathal catal dial electrol hydrol paral psychoanal"
_ENCE = "def off pret lic"
_AE = (
    "anaem:anem anaesthe:anesthe caesarean:cesarean encyclopaed:encycloped faec:fec foet:fet"
    " gynaecolog:gynecolog haemo:hemo leukaem:leukem mediaeval:medieval oesophag:esophag"
    " oestrogen:estrogen orthopaed:orthoped paed:ped diarrhoea:diarrhea"
)
_AE_ENDINGS = {
    "anaem": "ia ic",
    "anaesthe": "sia tic tics tist tists tise tised",
    "caesarean": " s",
    "encyclopaed": "ia ias ic",
    "faec": "es al",
    "foet": "us uses al",
    "gynaecolog": "y ist ists ical",
    "haemo": "globin rrhage rrhages philia philiac",
    "leukaem": "ia",
    "mediaeval": "",
    "oesophag": "us",
    "oestrogen": " s",
    "orthopaed": "ic ics",
    "paed": "iatric iatrician iatricians iatrics",
    "diarrhoea": "",
}
_OTHERS = (
    "acknowledgement:acknowledgment ageing:aging aeroplane:airplane aeroplanes:airplanes"
    " aluminium:aluminum artefact:artifact artefacts:artifacts centring:centering cheque:check"
    " cheques:checks chilli:chili cosy:cozy cosier:cozier councillor:councilor"
    " councillors:councilors draught:draft draughts:drafts draughty:drafty focussed:focused"
    " focusses:focuses focussing:focusing fulfilment:fulfillment enrolment:enrollment"
    " enrolments:enrollments gaol:jail gaols:jails grey:gray greys:grays greyer:grayer"
    " greyish:grayish instalment:installment instalments:installments jewellery:jewelry"
    " judgement:judgment judgements:judgments kerb:curb kerbs:curbs liquorice:licorice"
    " manoeuvre:maneuver manoeuvres:maneuvers manoeuvred:maneuvered manoeuvring:maneuvering"
    " mould:mold moulds:molds moulded:molded moulding:molding mouldy:moldy moult:molt"
    " moustache:mustache moustaches:mustaches omelette:omelet omelettes:omelets"
    " plough:plow ploughs:plows ploughed:plowed ploughing:plowing practise:practice"
    " practises:practices practised:practiced practising:practicing programme:program"
    " programmes:programs pyjamas:pajamas racquet:racket racquets:rackets sceptic:skeptic"
    " sceptics:skeptics sceptical:skeptical scepticism:skepticism skilful:skillful"
    " skilfully:skillfully smoulder:smolder smouldering:smoldering storey:story storeys:stories"
    " sulphur:sulfur tranquillity:tranquility tyre:tire tyres:tires wilful:willful"
    " wilfully:willfully woollen:woolen worshipped:worshiped worshipper:worshiper"
    " worshippers:worshipers worshipping:worshiping yoghurt:yogurt yoghurts:yogurts"
)


@cache
def american_spellings() -> dict[str, str]:
    """The American spelling of every British word that is known here, in lower case."""
    return dict(_pairs())


def _pairs() -> Iterator[tuple[str, str]]:
    for stem in _OUR.split():
        for ending in _OUR_ENDINGS.split():
            yield stem + ending, stem + ending.replace("our", "or", 1)
    for stem in _ISE.split():
        for ending in _ISE_ENDINGS.split():
            yield stem + ending, stem + ending.replace("is", "iz", 1)
    for stem in _RE.split():
        for british, american in (("re", "er"), ("res", "ers"), ("red", "ered")):
            yield stem + british, stem + american
    for stem in _DOUBLED.split():
        for ending in _DOUBLED_ENDINGS.split():
            yield f"{stem}l{ending}", stem + ending
    for stem in _SINGLED.split():
        yield from ((stem, f"{stem}l"), (f"{stem}s", f"{stem}ls"))
    for stem in _OGUE.split():
        yield from ((f"{stem}ogue", f"{stem}og"), (f"{stem}ogues", f"{stem}ogs"))
        yield from ((f"{stem}ogued", f"{stem}oged"), (f"{stem}oguing", f"{stem}oging"))
    for stem in _YSE.split():
        for ending in ("yse", "ysed", "ysing", "yser", "ysers"):
            yield stem + ending, stem + ending.replace("ys", "yz", 1)
    for stem in _ENCE.split():
        for ending in ("ence", "ences", "enced", "enceless"):
            yield stem + ending, stem + ending.replace("enc", "ens", 1)
    yield from _of_greek()
    yield from (_taken_apart(pair) for pair in _OTHERS.split())


def _of_greek() -> Iterator[tuple[str, str]]:
    """Words in which ae and oe became e."""
    for british, american in map(_taken_apart, _AE.split()):
        for ending in _AE_ENDINGS.get(british, "").split(" "):
            yield british + ending, american + ending


def _taken_apart(pair: str) -> tuple[str, str]:
    """``british:american`` taken apart."""
    british, _, american = pair.partition(":")
    return british, american
