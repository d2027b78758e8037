"""What the simulated clients ask: some prompts of each family, from easy to hard, as the classifier gets to read them."""

from functools import cache

from libs.classifier.classifier import Classifier
from libs.classifier.prompt import Prompt
from libs.contracts.reading import Family, Reading

EASY, MIDDLING, HARD = 0.2, 0.5, 0.8
ASKED: dict[Family, tuple[tuple[float, str], ...]] = {
    "code": (
        (EASY, "Write a Python function that returns the sum of a list of integers."),
        (MIDDLING, "Write a Python class for an LRU cache with get and put in O(1), and explain how it works."),
        (HARD, "Find the race condition in this lock-free queue and prove that your fix is linearizable:\n"
               "```cpp\nvoid push(T v) { auto n = new Node{v}; n->next = head.load(); while (!head.compare_exchange_weak(n->next, n)); }\n```"),
    ),
    "math": (
        (EASY, "Tom has 12 apples and gives 5 to Anna, who then buys 3 more. How many apples does Anna have if she began with 2?"),
        (MIDDLING, "Solve for x: 3x^2 - 7x + 2 = 0, and show each step."),
        (HARD, "Let p be an odd prime. Prove that the number of quadratic residues modulo p is (p-1)/2, and determine all n for which "
               "$n^2 + 1$ divides $n! $."),
    ),
    "science": (
        (EASY, "Which planet of the solar system is the largest?\nA) Earth\nB) Jupiter\nC) Mars\nD) Venus"),
        (MIDDLING, "Explain why the boiling point of water falls with altitude, and estimate it at 3,000 metres."),
        (HARD, "A spin-1/2 particle is in a magnetic field along z and is measured along x at time t. Derive the probability of spin up, and "
               "say how decoherence with time constant T2 changes it."),
    ),
    "knowledge": (
        (EASY, "What is the capital of Australia?"),
        (MIDDLING, "Which treaty ended the Thirty Years' War, and what did it change for the Swiss cantons?"),
        (HARD, "Under the Vienna Convention on the Law of Treaties, when may a state invoke a fundamental change of circumstances? Name the "
               "leading cases."),
    ),
    "reasoning": (
        (EASY, "All cats are animals. Tom is a cat. Is Tom an animal?"),
        (MIDDLING, "Five people sit in a row. Anna is left of Ben, Carl is not at an end, Dora is next to Emil. In how many orders can they sit?"),
        (HARD, "Three gods A, B and C are called True, False and Random. Determine who is who by asking three yes-no questions, each to one god, "
               "when they answer in a language in which da and ja mean yes and no in an order that you do not know."),
    ),
    "writing": (
        (EASY, "Write a friendly birthday message for a colleague."),
        (MIDDLING, "Rewrite this paragraph so that it sounds more formal, and keep its meaning: we kinda messed up the delivery, sorry about that!"),
        (HARD, "Write a short story of 600 words in the manner of a nineteenth-century epistolary novel, in which the narrator never says that the "
               "lighthouse keeper is dead, but every reader knows it by the end."),
    ),
    "tools": (
        (EASY, "What is the weather in Paris?"),
        (MIDDLING, "Book a table for four in Bern tomorrow at 19:00 and send the confirmation to Anna."),
        (HARD, "Look up all invoices of last quarter that are not paid, convert their sums to euro at the rate of their due dates, and remind each "
               "customer whose debt is above 1,000."),
    ),
}
TOOLS = ("get_weather", "book_table", "send_message", "list_invoices", "convert_currency")


@cache
def readings() -> list[tuple[Family, float, Reading | None]]:
    """Family, true difficulty, and what the classifier makes of each prompt."""
    classifier = Classifier.load()
    return [
        (family, difficulty, classifier.read(Prompt(text=text, chars=len(text), tools=TOOLS if family == "tools" else ()), {}))
        for family, asked in ASKED.items() for difficulty, text in asked
    ]
