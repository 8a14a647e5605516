"""Class-activation maps: where in a picture a network finds what speaks for a class."""

import streamlit as st

from ui import cam, evidence, lesson, photo, predictions, prose, shell, subject

shell.guard()
evidence.style()

st.title("Class-activation maps")
st.markdown(prose.words("cam")["lede"])
network = subject.choose("cam")
picture = photo.choose("cam")

left, middle, right = st.columns([8, 9, 7], gap="medium")
with left:
    cam.ahead(network, picture)
    target = predictions.panel("cam", network, picture)
study = cam.study(network, picture, target)
with right:
    method, path, view = cam.controls(study)
with middle:
    cam.large(study, method, path, view)
cam.below(study, method, path, view)

lesson.ending("cam")
