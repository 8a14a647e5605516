"""What proves each network, and what the small ones learn in a minute."""

import streamlit as st

from ui import bound, export, proof, prose, shell
from viz.figures.learned import SIZES, learned

shell.guard()

words = prose.words("proof")
proofs = proof.proofs()

st.title("Proof")
st.markdown(words["question"].format(variants=len(proofs), families=len({p.family for p in proofs})))
proof.headline(proofs)

st.header("Every network and its proof")
found = proof.search(proofs)
if found:
    st.markdown(f"{len(found)} of {len(proofs)} networks. {words['table of proofs']}")
    proof.table(found)
else:
    st.info("No network fits all of this.", icon=":material/search_off:")
st.caption(words["not here"])

st.header("What a minute of training teaches")
measured = proof.learned()
st.markdown(words["minute"])
if measured:
    left, right = st.columns(2, gap="large")
    with left:
        size = bound.segments("Across", "proof.across", SIZES)
        st.plotly_chart(
            learned(measured, size),
            key="proof.minute",
            config=export.picture("zoolens-minute"),
            alt=f"Accuracy against {SIZES[size]}, one point for each classroom network; figures in the table",
        )
    with right:
        proof.learned_table(measured)
    st.markdown(words["notice"])
else:
    st.info(words["nothing measured"], icon=":material/timer:")
