"""Figures: numbers and names in, a drawing out (a plotly figure or an SVG). No torch, no Streamlit."""
