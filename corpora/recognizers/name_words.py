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
# A capitalised word before one of these belongs to the name of a body, not of a person.
INSTITUTIONS = frozenset(
    (
        "Act Administration Agency Association Authority Board Bureau Centre Center Commission Committee Company Council Court Department Foundation "
        "Group Institute Ministry Office Parliament Program Programme Protocol Regulations Service Services Society Tribunal Union University"
    ).split()
)
GIVEN_NAMES = (
    "Aoife Aoibheann Caoimhe Cillian Ciarán Deirdre Eimear Eoin Fionnuala Gráinne Máire Oisín Pádraig Róisín Seán Séamus Sinéad Tadhg "
    "Aaron Abdul Abdullah Abebe Abigail Adaeze Adam Adebayo Aditi Aditya Adrian Agnes Agnieszka Ahmad Ahmed Aisha Ajay "
    "Akira Alan Albert Alejandra Alejandro Aleksander Aleksandra Alessandro Alex Alexander Alexandra Alfonso Alfred "
    "Alfredo Ali Alice Alina Alison Allison Alvaro Amanda Amara Amelia Amina Amir Amit Amy Ana Anand Anders Andrea "
    "Andreas Andrew Angela Anil Anita Anjali Ann Anna Annalisa Anne Annette Annika Anthony Antoine Antonia Antonio "
    "António Anya Arjun Arnold Arthur Arturo Arun Asha Ashley Astrid Audrey Ayşe Barbara Bartosz Beatrice Beatriz Ben "
    "Benjamin Bernadette Bernard Bert Beth Betty Bianca Birgit Bogdan Boris Brandon Brenda Brett Brian Bridget Bruce "
    "Bryan Burak Caitlin Camille Carl Carla Carlo Carlos Carmen Carol Caroline Catherine Cathy Cecilia Celia Charles "
    "Chiara Chidi Chinedu Chloe Christina Christine Christopher Ciara Claire Clara Clare Clarence Claude Claudia Clifford "
    "Clive Colin Connor Conor Craig Cristina Cynthia Damien Daniel Daniela Danielle Darren Dave David Deborah Debra "
    "Deepak Denise Dennis Derek Diana Diane Diego Dimitri Dirk Dmitri Dolores Dominic Dominique Donald Donna Doreen Doris "
    "Dorothy Douglas Dustin Dylan Edith Edmund Edna Eduardo Edward Edwin Eileen Ekaterina Elaine Eleanor Elena Elias Elif "
    "Elijah Elisabeth Elise Elizabeth Ella Ellen Emeka Emilia Emilio Emily Emma Emmanuel Enrique Eric Erica Erik Ernest "
    "Ernst Esther Ethan Eugene Eva Evan Evelyn Ewa Fabio Farah Fatima Federico Felicity Felix Fernanda Fernando Fiona "
    "Florian Frances Francesca Francesco Francis Franz Fred Frederick Friedrich Gabriel Gabriela Gareth Gary Gavin Geoff "
    "Geoffrey George Gerald Gerard Gerhard Gillian Giorgio Giovanni Giulia Giuseppe Gloria Graham Gregory Grzegorz Guido "
    "Guillaume Gustavo Günter Hannah Hans Harold Haruto Hassan Heather Hector Heinrich Helen Helena Helga Henrik Henry "
    "Herbert Hilary Hiroko Howard Hugh Hugo Ian Ibrahim Ignacio Igor Ines Ingrid Irene Irina Irving Isaac Isabel Isabella "
    "Isabelle Ismail Ivan Ivana Jacob Jacqueline Jaime Jakub Jamal James Jamie Jane Janet Janice Janine Jason Javier Jean "
    "Jeanne Jeff Jeffrey Jenna Jennifer Jenny Jeremy Jerome Jessica Jessie Jill Jim Jing Joachim Joan Joanna Joanne "
    "Joaquín Joe Joel Johann Johanna Johannes John Jonas Jonathan Jorge Jose Joseph Joshua José Joyce João Juan Judith "
    "Judy Julia Julian Julie Juliet Juliette Justin Jürgen Kamal Karen Karim Karin Karl Katarzyna Kate Katherine Kathleen "
    "Kathryn Katie Kavita Keiko Keith Ken Kenji Kenneth Kevin Khadija Khalid Kimberly Kirsten Klaus Krishna Krzysztof "
    "Kumar Kurt Kwame Kyle Lakshmi Larry Laura Lauren Lawrence Layla Leah Leila Lena Leon Leonard Leroy Leslie Lewis Liam "
    "Lillian Linda Lindsay Lisa Lloyd Lorraine Louis Louise Luca Lucas Lucia Lucy Ludwig Luigi Luis Luke Mahmoud Maja "
    "Malcolm Manuel Marc Marcel Marcia Marcin Marco Marcus Marek Margaret Margarita Maria Marianne Marie Marilyn Marina "
    "Mario Marjorie Markus Marta Martha Martin Martina Marvin Mary María Mateo Mathew Matteo Matthew Matthias Maureen "
    "Maurice Maya Megan Mehmet Melanie Melissa Meredith Michael Michelle Miguel Miriam Mohamed Mohammad Mohammed Moira "
    "Molly Monica Monika Muhammad Mustafa Nadia Nancy Naomi Natalie Natasha Nathan Neha Neil Ngozi Niamh Nicholas Nicola "
    "Nicole Nigel Nikhil Nikolai Nils Nina Noah Nora Norma Oleksandr Olga Oliver Olivia Olumide Omar Orla Oscar Oskar "
    "Otto Pablo Pamela Paolo Parveen Patricia Patrick Patrik Paul Paula Pauline Pedro Peggy Penelope Peter Petra Philip "
    "Philippe Phillip Phyllis Pierre Piotr Pooja Pradeep Priya Rachel Rafael Rajesh Ralph Ramón Randall Ravi Raymond Raúl "
    "Rebecca Reginald Rekha Renata René Ricardo Richard Rita Robert Roberta Roberto Rodney Roger Rohan Roland Rolf Ronald "
    "Ronan Rosa Rosalie Rosemary Rosie Roy Rupert Russell Ruth Ryan Róisín Sabine Sadia Saeed Salma Salvatore Samantha "
    "Samuel Sandra Sanjay Saoirse Sara Sarah Saskia Sean Sebastian Sergei Sergio Shane Sharon Shaun Shauna Sheila Shirin "
    "Shirley Silvia Simon Simone Siobhan Siobhán Sofia Sophia Sophie Stacey Stanisław Stefan Stephanie Stephen Steve "
    "Steven Stuart Sunil Sunita Susan Susana Susanne Suzanne Svetlana Sylvia Takeshi Tamara Tanya Tariq Tatiana Terence "
    "Teresa Theresa Thomas Tiffany Tim Timothy Tina Todd Tom Tomasz Tracy Trevor Tunde Tyler Ursula Usha Uwe Valentina "
    "Valerie Vanessa Vera Veronica Vicki Victor Vijay Vikram Vincent Virginie Vivian Vladimir Walter Wanda Wayne Wei "
    "Wendy Werner Wilfred Wilhelm William Winifred Wolfgang Xavier Xiao Yasmin Yolanda Yuki Yuri Yusuf Yves Yvonne "
    "Zachary Zainab Zoe Zofia Zoltan Zuzanna Ángel"
).split()
