"""Words for the recogniser of names: what is no name after a title, and common given names of several countries."""

from __future__ import annotations

# What follows a title or a role with a capital and is no name.
NO_NAMES = frozenset(
    (
        "Act Acts Action Advocate Advocates After Agency Agreement All An And Any April Article Articles At August Authority Bank Before Bill Board Bureau But By Care "
        "Chancellor Chapter Charter Chief Circuit Civil Claim Claims Class Clinic Code College Commission Commissioner Committee Community Company Conduct "
        "Conference Congress Consent Constitution Convention Corp Corporation Council Counsel County Court Courts Criminal Data December Decision Declaration Department "
        "Deputy Directive Director Disease Division Does During Each Emergency Employer European Every February Federal Federation Fees Financial For Form Foundation Friday "
        "From General Government Group Guidance Guide Guideline Guidelines Has Have Health Her High His Home Hospital House How However If In Inc Information "
        "Institute Insurance Is It January Judge Judges July June Jury Justice Justices Law Lawyer League Liability Lieutenant Limited List Litigation Llc Llp Lord Lords Ltd Manual March Mayor "
        "May Medical Medicare Member Members Minister Ministry Model Monday Motion National No Not Notes Notice November Number Nurse October Of Office Officer On One "
        "Or Order Other Our Page Parliament Part Party Patient Patients Pension Perspective Plan Plc Police Policy Portal Practice Practitioner Privacy Privilege Procedure "
        "Process Program Programme Protection Protocol Public Record Records Reform Regulation Regulations Report Representative Republic Request Review Rights Road Roads Royal Rule Rules Safety "
        "Saturday School Secretary Section See Self Senate September Service Services Shall She Should Society Solicitor Standard Standards State States Status Statement Street "
        "Sunday Supreme Syndrome System Team Term Terms Test That The Their Then There These They This Those Thursday Title To Training Treaty Trial Tribunal Trust Trustee "
        "Tuesday Under Union Unit United Universe University Upon Us Was Wednesday Were What When Where Which While Who Will With Witness Would You Your Young Zone "
        "Hall Airport Avenue Building Centre Center Chart Church Criteria Index Score Scale Sign Station Airline Airlines Industries International Journal Lane Park Press River Square Valley Vaccine "
        "Name Names Address Age Sex Gender Date Dates Birth Born Phone Email Fax Tel Mobile Ref Reference Subject Diagnosis Admission Discharge Allergies Medication Medications History None "
        "Unknown Yes Nil Same Attorney Attorneys Defendant Defendants Plaintiff Plaintiffs Claimant Respondent Petitioner Applicant Appellant Debtor Employee Tenant Landlord Dear Mr Mrs Ms Dr "
        "Male Female Adult Child Ltd. Inc. Corp. Co Co. LLC LLP PLC Github Google Microsoft ID DOB MRN SSN NHS NINO PPS TBD"
    ).split()
)
GIVEN_NAMES = (
    "Aaron Abigail Adam Adrian Agnes Ahmed Aisha Alan Albert Alejandro Alessandro Alex Alexander Alexandra Alfred Ali Alice Alison Amanda Amelia Amir Amy Ana Andrea Andreas Andrew Angela "
    "Anita Anna Anne Annette Anthony Antonio Ashley Barbara Beatrice Benjamin Bernard Beth Betty Brandon Brenda Brian Bridget Bruce Carl Carla Carlos Carmen Carol Caroline Catherine Cathy Charles "
    "Chloe Christian Christina Christine Christopher Claire Clara Claudia Colin Connor Craig Cynthia Daniel Daniela David Deborah Debra Denise Dennis Derek Diana Diane Diego Dmitri Donald Donna "
    "Dorothy Douglas Edward Eileen Elaine Eleanor Elena Elisabeth Elizabeth Ellen Emily Emma Eric Erica Erik Eva Evelyn Fatima Felix Fernando Fiona Frances Francesca Francesco Francis Frank Franz "
    "Frederick Friedrich Gareth Gary Geoffrey George Gerald Giovanni Giulia Giuseppe Gloria Graham Gregory Guillaume Hannah Hans Harold Harry Hassan Heather Heinrich Helen Helga Henry Howard Hugh "
    "Hugo Ian Ibrahim Ingrid Irene Isabel Isabella Ivan Jack Jacob Jacqueline James Jamie Jan Jane Janet Janice Jason Javier Jean Jeffrey Jennifer Jeremy Jessica Joan Joanna Joanne Joe Johann John "
    "Jonathan Jorge Jose José Joseph Joshua Joyce Juan Judith Judy Julia Julian Julie Jürgen Justin Karen Karl Kate Katherine Kathleen Katie Keith Kelly Kenneth Kevin Kimberly Klaus Kurt Kyle Larry Laura "
    "Lauren Lawrence Leah Leonard Leslie Liam Lillian Linda Lisa Louis Louise Lucas Lucia Lucy Luigi Luis Luke Margaret Maria María Marie Marilyn Mario Markus Martha Martin Mary Mathew Matthew Maureen "
    "Megan Melissa Michael Michelle Miguel Mohamed Mohammed Monica Monika Muhammad Nancy Natalie Natasha Nathan Neil Niamh Nicholas Nicola Nicole Nigel Nina Noah Nora Oliver Olivia Omar Oscar Pamela "
    "Patricia Patrick Paul Paula Pauline Pedro Peter Petra Philip Philippe Phillip Pierre Priya Rachel Ralph Raymond Rebecca Ricardo Richard Robert Roberto Roger Ronald Rosemary Roy Russell Ruth Ryan "
    "Sabine Samantha Samuel Sandra Sara Sarah Scott Sean Sharon Sheila Shirley Siobhan Sofia Sophia Sophie Stefan Stephanie Stephen Steven Stuart Susan Susanne Suzanne Teresa Theresa Thomas Timothy Tom "
    "Tracy Trevor Tyler Ursula Valerie Vanessa Vera Veronica Victor Vincent Walter Wendy Wilhelm William Wolfgang Yusuf Yvonne Zachary Zoe"
).split()
