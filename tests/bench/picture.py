"""The ratios as a picture: a bar for each row that has an aim, as a share of the aim on a logarithmic scale; the line in the middle is the aim."""
import html
import math

WIDTH, BAR, LEFT, MIDDLE, RANGE = 960, 22, 430, 690, 2.0  # RANGE: decades on either side


def share(row):
    """Of the aim: 1 is the aim, more is better; None without one."""
    value = row.get("ratio", row["ours"])
    if row.get("least"):
        return value / row["least"]
    if row.get("most"):
        return row["most"] / value if value > 0 else 10**RANGE
    return None


def svg(title, rows):
    aimed = [(row, share(row)) for row in rows if share(row) is not None]
    height = 60 + len(aimed) * BAR
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>', f'<text x="10" y="20" font-size="15">{html.escape(title)}</text>',
             f'<text x="{MIDDLE}" y="40" text-anchor="middle">aim</text>']
    for number, (row, of_aim) in enumerate(aimed):
        y = 50 + number * BAR
        length = max(-RANGE, min(RANGE, math.log10(of_aim))) / RANGE * (WIDTH - MIDDLE - 70)
        colour = "#2a7f4f" if of_aim >= 1 else "#b5502a"
        value = f"{of_aim:.2f} ×" if of_aim < 100 else "over 100 ×"
        lines.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{html.escape(row["what"][:70])}</text>')
        lines.append(f'<rect x="{MIDDLE + min(0, length):.1f}" y="{y + 2}" width="{abs(length):.1f}" height="{BAR - 6}" fill="{colour}"/>')
        lines.append(f'<text x="{MIDDLE + length + (6 if length >= 0 else -6):.1f}" y="{y + 14}" text-anchor="{"start" if length >= 0 else "end"}">{value}</text>')
    lines.append(f'<line x1="{MIDDLE}" y1="44" x2="{MIDDLE}" y2="{height - 6}" stroke="#333"/></svg>')
    return "\n".join(lines) + "\n"
